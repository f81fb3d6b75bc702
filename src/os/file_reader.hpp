#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "os/fd.hpp"

namespace runed::os {

/// Reads a file from its begin to its end in large blocks, for hashing and copying.
class FileReader {
 public:
  /// Errors: not_found, permission_denied, io; bad_input if it is not a regular file.
  static Result<FileReader> open(const std::string& path);

  /// Returns the next block, which stays valid until the next call; empty at the end.
  /// Errors: io.
  Result<std::span<const std::byte>> next();

  uint64_t size_bytes() const { return size_bytes_; }  // When it was opened.

 private:
  FileReader(Fd fd, std::string path, uint64_t size_bytes);

  Fd fd_;
  std::string path_;
  uint64_t size_bytes_;
  std::vector<std::byte> buffer_;
};

}  // namespace runed::os
