#pragma once

#include <string>
#include <string_view>

#include "os/file/fd.hpp"

namespace runed::os {

/// A file that takes its place only when it is complete. Until then it has another name beside it,
/// and it is removed if it never gets there.
class AtomicFile {
 public:
  /// Starts the file that is to replace `path`, with this mode.
  static Result<AtomicFile> create(const std::string& path, unsigned mode);
  AtomicFile(AtomicFile&&) = default;
  AtomicFile& operator=(AtomicFile&&) = delete;
  ~AtomicFile();

  Status write(std::string_view content);
  /// Waits until what was written so far is on the disk.
  Status sync();
  /// Replaces `path`. That is on the disk when this returns.
  Status commit();

 private:
  AtomicFile(std::string path, std::string temporary, Fd fd)
      : path_(std::move(path)), temporary_(std::move(temporary)), fd_(std::move(fd)) {}

  Error cannot_write() const;

  std::string path_;
  std::string temporary_;
  Fd fd_;
};

/// Tells whether a file of this name is one that takes its place later, or never did.
bool is_temporary_file(std::string_view name);

/// Replaces a file as a whole: whoever reads the path, and whatever fails, sees the old content or
/// the new. It is on the disk when this returns.
/// Errors: `cannot write '<path>': <reason>`; the old file is then as it was.
Status write_file_atomically(const std::string& path, std::string_view content, unsigned mode);

/// Puts a file that was written beside `path`, and is still open as `fd`, in its place. It is on
/// the disk when this returns.
/// Errors: `cannot write '<path>': <reason>`; the temporary is then still there.
Status commit_file(int fd, const std::string& temporary, const std::string& path);

}  // namespace runed::os
