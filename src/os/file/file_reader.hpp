#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "os/file/fd.hpp"

namespace runed::os {

/// Reads a file from its begin to its end in large blocks, for hashing and copying.
class FileReader {
 public:
  /// Errors: not_found, permission_denied, io; bad_input if it is not a regular file.
  static Result<FileReader> open(const std::string& path);

  /// Reads a file that is open already, which keeps its position.
  /// Errors: io.
  static Result<FileReader> open(const Fd& file);

  /// Returns the next block, which stays valid until the next call; empty at the end.
  /// Errors: io.
  Result<std::span<const std::byte>> next();

  uint64_t size_bytes() const { return size_bytes_; }  // When it was opened.

 private:
  FileReader(Fd fd, std::string path, uint64_t size_bytes);

  Fd fd_;
  std::string path_;  // Empty if it is not known.
  uint64_t size_bytes_;
  uint64_t offset_ = 0;
  std::vector<std::byte> buffer_;
};

}  // namespace runed::os
