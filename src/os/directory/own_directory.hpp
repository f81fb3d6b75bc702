#pragma once

#include <string>
#include <vector>

#include "os/file/fd.hpp"

namespace runed::os {

/// A directory that is held while it is judged: what it tells is true of one directory, whatever
/// becomes of its path meanwhile.
class HeldDirectory {
 public:
  /// Errors: not_found; permission_denied if something else, a link included, is in its place.
  static Result<HeldDirectory> open(const std::string& path);

  /// Lists what is in it, sorted.
  /// Errors: permission_denied, with the command that mends it.
  Result<std::vector<std::string>> names() const;

  /// Tells whether anybody but its owner and root may write to it.
  bool is_open_to_others() const;

  /// Checks that it is this user's.
  /// Errors: permission_denied, with the command that mends it.
  Status check_owner() const;

  const std::string& path() const { return path_; }
  unsigned mode() const { return mode_; }  // Permission bits, the sticky one included.

 private:
  HeldDirectory(std::string path, Fd fd, unsigned owner, unsigned mode)
      : path_(std::move(path)), fd_(std::move(fd)), owner_(owner), mode_(mode) {}

  std::string path_;
  Fd fd_;
  unsigned owner_;
  unsigned mode_;
};

/// Checks that nobody but their owner may write to directories; who may read them is the owner's
/// choice.
/// Errors: permission_denied that names all that are open, with the command that mends them.
Status check_closed(const std::vector<HeldDirectory>& directories);

/// Checks that a directory is a real one, of this user, to which nobody else may write.
/// Errors: as HeldDirectory and check_closed.
Status check_own_directory(const std::string& path);

/// Creates a directory and its missing parents with mode 0700, and checks it. One that is there
/// already stays as it is.
/// Errors: as check_own_directory.
Status make_own_directory(const std::string& path);

}  // namespace runed::os
