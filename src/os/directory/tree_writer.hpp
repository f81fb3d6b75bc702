#pragma once

#include <string>
#include <string_view>

#include "os/file/fd.hpp"

namespace runed::os {

/// A new file that is written from front to back. It is removed unless it is finished.
class TreeFile {
 public:
  TreeFile(TreeFile&&) = default;
  TreeFile& operator=(TreeFile&&) = delete;
  ~TreeFile();

  Status write(std::string_view content);
  /// Waits until the file is on the disk, and keeps it.
  Status finish();

 private:
  friend class TreeWriter;
  TreeFile(std::string path, Fd directory, std::string name, Fd fd)
      : path_(std::move(path)),
        directory_(std::move(directory)),
        name_(std::move(name)),
        fd_(std::move(fd)) {}

  std::string path_;  // For messages.
  Fd directory_;
  std::string name_;  // In `directory_`.
  Fd fd_;
  size_t unsynced_bytes_ = 0;
};

/// Creates files below one directory and nowhere else. Names are relative, without `.` and `..`;
/// each directory on the way is opened by itself and never through a link, and nothing that is
/// there already is written to or replaced.
class TreeWriter {
 public:
  static Result<TreeWriter> open(const std::string& directory);

  /// Creates a directory whose parent is there.
  Status make_directory(const std::string& name, unsigned mode) const;
  /// Sets the permissions of a directory.
  Status set_directory_mode(const std::string& name, unsigned mode) const;
  /// Creates a file with exactly this mode, whatever the umask.
  Result<TreeFile> create_file(const std::string& name, unsigned mode) const;
  /// Creates a symbolic link. Where it leads is not looked at.
  Status make_link(const std::string& name, const std::string& target) const;
  /// Gives a file that is there one more name.
  Status make_hard_link(const std::string& name, const std::string& existing) const;
  /// Waits until the names in a directory are on the disk; "" is the one all names are relative to.
  Status sync_directory(const std::string& name) const;

 private:
  TreeWriter(std::string path, Fd root) : path_(std::move(path)), root_(std::move(root)) {}

  Result<Fd> open_directory(const std::string& name) const;
  Error cannot_create(const std::string& name) const;

  std::string path_;
  Fd root_;
};

}  // namespace runed::os
