#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/result.hpp"

namespace runed::os {

/// Makes a fresh directory `<prefix>XXXXXX` with mode 0700 and returns its path.
Result<std::string> make_temporary_directory(const std::string& prefix);

/// Removes a file or a whole tree, directories that may not be written included. Links are removed
/// and not followed; a path with nothing at it is no error.
Status remove_tree(const std::string& path);

/// A fresh directory that is removed with all that is in it. What cannot be removed is left over.
class TemporaryDirectory {
 public:
  /// As make_temporary_directory.
  static Result<TemporaryDirectory> create(const std::string& prefix);

  TemporaryDirectory(TemporaryDirectory&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  TemporaryDirectory& operator=(TemporaryDirectory&& other) noexcept {
    std::swap(path_, other.path_);
    return *this;
  }
  ~TemporaryDirectory();

  const std::string& path() const { return path_; }

 private:
  explicit TemporaryDirectory(std::string path) : path_(std::move(path)) {}

  std::string path_;
};

/// Checks that files can be made in a directory, or that it can be made where it is not there. It
/// leaves nothing behind.
/// Errors: as HeldDirectory::open; as of making a file.
Status check_can_make(const std::string& directory);

/// Puts `staged` in the place of `target` in one step, so that `target` is never missing, and waits
/// until that is on the disk. `staged` holds the old tree afterwards, or nothing if there was none.
/// Where the file system cannot exchange two names this is `replace_directory`.
Status swap_directories(const std::string& staged, const std::string& target);

/// As swap_directories in three renames by way of `<staged>.old`: for a moment there is no
/// `target`. A rename that fails is undone.
Status replace_directory(const std::string& staged, const std::string& target);

/// Waits until the names in a directory are on the disk.
Status sync_directory(const std::string& path);

struct DirectoryEntry {
  enum class Kind { file, directory, link, other };

  std::string name;  // Relative to the directory that was listed.
  Kind kind = Kind::other;
  uint64_t size_bytes = 0;
  std::chrono::nanoseconds modified{};  // Since 1970, as the file system keeps it.
};

/// Lists a directory, sorted by name.
Result<std::vector<DirectoryEntry>> list_directory(const std::string& directory);

/// Lists everything below a directory, sorted by name, and follows no link.
Result<std::vector<DirectoryEntry>> list_tree(const std::string& directory);

}  // namespace runed::os
