#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <utility>

#include "base/result.hpp"

namespace runed::os {

/// A whole file as read-only memory. The kernel reads a page when it is first touched, and may
/// drop it again; a file that another process cuts short meanwhile raises SIGBUS.
class MappedFile {
 public:
  MappedFile() = default;
  MappedFile(MappedFile&& other) noexcept : bytes_(std::exchange(other.bytes_, {})) {}
  MappedFile& operator=(MappedFile&& other) noexcept {
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  ~MappedFile();

  /// Maps the file at `path`.
  /// Errors: not_found, permission_denied or io; bad_input if it is empty or not a regular file.
  static Result<MappedFile> open(const std::string& path);

  std::span<const std::byte> bytes() const { return bytes_; }

 private:
  explicit MappedFile(std::span<const std::byte> bytes) : bytes_(bytes) {}

  std::span<const std::byte> bytes_;
};

}  // namespace runed::os
