#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "base/result.hpp"
#include "os/file/fd.hpp"
#include "os/file/files.hpp"
#include "os/file/mapping_guard.hpp"

namespace runed::os {

/// A whole file as read-only memory. The kernel reads a page when it is first touched, and may
/// drop it again, so what another process writes into the file shows here. One that is cut short
/// has a hole where it is touched from then on, which reads as zeros: whoever has used the bytes
/// asks afterwards whether they were the file's.
class MappedFile {
 public:
  MappedFile() = default;
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  ~MappedFile();

  /// Maps the file at `path`.
  /// Errors: not_found, permission_denied or io; bad_input if it is empty or not a regular file.
  static Result<MappedFile> open(const std::string& path);

  std::span<const std::byte> bytes() const { return bytes_; }

  /// The file that is mapped, whatever its path leads to by now.
  /// Needs: a file.
  const Fd& fd() const { return fd_; }

  /// The file as it was when it was opened.
  const FileIdentity& identity() const { return identity_; }

  /// Tells whether some of the bytes were not to be had: they read as zeros.
  bool has_hole() const { return guard_.has_hole(); }

  /// Checks that the file is what was opened: no byte was missing, and nobody has written to it.
  /// Another name, link or mode does not matter.
  /// Errors: io. Its message is only what has changed: `it was written to`.
  Status check_unchanged() const;

 private:
  Fd fd_;
  FileIdentity identity_{};
  std::span<const std::byte> bytes_;
  MappingGuard guard_;
};

}  // namespace runed::os
