#include "os/file/regular_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>

#include "base/text.hpp"

namespace runed::os {
namespace {

// Source: inode(7).
std::string_view name_of_kind(mode_t mode) {
  switch (mode & S_IFMT) {
    case S_IFIFO:
      return "a FIFO";
    case S_IFSOCK:
      return "a socket";
    case S_IFDIR:
      return "a directory";
    case S_IFCHR:
    case S_IFBLK:
      return "a device";
    case S_IFLNK:
      return "a symbolic link";
    default:
      return "something else";
  }
}

std::string fault_of(const struct stat& status) {
  if (S_ISREG(status.st_mode)) return {};
  return fmt::format("it is {}, not a regular file", name_of_kind(status.st_mode));
}

Status check(const std::string& path, const struct stat& status, Links links) {
  const std::string fault = fault_of(status);
  if (fault.empty()) return {};
  if (links == Links::followed) {
    return make_error(ErrorCode::bad_input, "cannot open '{}': {}", path, fault);
  }
  return make_error(ErrorCode::io, "cannot open '{}': {}", path, fault)
      .with_hint(fmt::format("run: mv {} {}", shell_quoted(path), shell_quoted(path + ".aside")));
}

}  // namespace

// It is looked at before, since a socket cannot be opened and to open a device can set something
// off, and after, since it may be another one by then.
Result<Fd> open_regular_file(const std::string& path, int flags, Links links, unsigned mode) {
  const bool follows = links == Links::followed;
  struct stat status {};
  if (::fstatat(AT_FDCWD, path.c_str(), &status, follows ? 0 : AT_SYMLINK_NOFOLLOW) == 0) {
    TRY(check(path, status, links));
  }
  // Without O_NONBLOCK, which is nothing to a regular file, opening a FIFO waits for its other end.
  TRY_ASSIGN(Fd fd,
             open_fd(path, flags | O_NONBLOCK | O_NOCTTY | (follows ? 0 : O_NOFOLLOW), mode));
  if (::fstat(fd.get(), &status) != 0) {
    return os_error(errno, "cannot inspect '{}'", path);
  }
  TRY(check(path, status, links));
  return fd;
}

std::string find_fault_of_kind(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 ? fault_of(status) : std::string();
}

}  // namespace runed::os
