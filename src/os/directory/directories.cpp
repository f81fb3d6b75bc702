#include "os/directory/directories.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <memory>

#include "os/directory/own_directory.hpp"
#include "os/file/files.hpp"

namespace runed::os {
namespace {

constexpr mode_t kPrivate = 0700;

struct CloseStream {
  void operator()(DIR* stream) const { ::closedir(stream); }
};
using Stream = std::unique_ptr<DIR, CloseStream>;

Error cannot_list(const std::string& path) {
  return os_error(errno, "cannot list '{}'", path);
}

Error cannot_remove(const std::string& path) {
  return os_error(errno, "cannot remove '{}'", path);
}

Error cannot_replace(const std::string& path) {
  return os_error(errno, "cannot replace '{}'", path);
}

// The names in an open directory but `.` and `..`, all read before any is changed.
Result<std::vector<std::string>> names_in(Fd directory, const std::string& path) {
  const Stream stream(::fdopendir(directory.get()));
  if (!stream) return cannot_list(path);
  static_cast<void>(directory.release());  // The stream closes it.
  std::vector<std::string> names;
  while (true) {
    errno = 0;
    const dirent* entry = ::readdir(stream.get());
    if (entry == nullptr) break;
    const std::string name = entry->d_name;
    if (name != "." && name != "..") names.push_back(name);
  }
  if (errno != 0) return cannot_list(path);
  return names;
}

Result<Fd> open_directory(const std::string& path) {
  return open_fd(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
}

// What may be opened and emptied only once its owner says so.
Status make_writable(const std::string& path, const struct stat& status) {
  if ((status.st_mode & kPrivate) == kPrivate) return {};
  if (::chmod(path.c_str(), (status.st_mode & 0777) | kPrivate) != 0) return cannot_remove(path);
  return {};
}

DirectoryEntry::Kind kind_of(mode_t mode) {
  if (S_ISREG(mode)) return DirectoryEntry::Kind::file;
  if (S_ISDIR(mode)) return DirectoryEntry::Kind::directory;
  return S_ISLNK(mode) ? DirectoryEntry::Kind::link : DirectoryEntry::Kind::other;
}

enum class Depth { one_level, whole_tree };

Status append_entries(const std::string& directory, const std::string& prefix, Depth depth,
                      std::vector<DirectoryEntry>& entries) {
  TRY_ASSIGN(Fd fd, open_fd(directory, O_RDONLY | O_DIRECTORY));
  TRY_ASSIGN(const std::vector<std::string> names, names_in(std::move(fd), directory));
  for (const std::string& name : names) {
    const std::string path = fmt::format("{}/{}", directory, name);
    struct stat status {};
    if (::lstat(path.c_str(), &status) != 0) {
      if (errno == ENOENT) continue;  // Removed since it was read.
      return os_error(errno, "cannot inspect '{}'", path);
    }
    entries.push_back({.name = prefix + name,
                       .kind = kind_of(status.st_mode),
                       .size_bytes = static_cast<uint64_t>(status.st_size),
                       .modified = std::chrono::seconds(status.st_mtim.tv_sec) +
                                   std::chrono::nanoseconds(status.st_mtim.tv_nsec)});
    if (depth == Depth::whole_tree && S_ISDIR(status.st_mode)) {
      TRY(append_entries(path, prefix + name + "/", depth, entries));
    }
  }
  return {};
}

Result<std::vector<DirectoryEntry>> sorted_entries(const std::string& directory, Depth depth) {
  std::vector<DirectoryEntry> entries;
  TRY(append_entries(directory, "", depth, entries));
  std::ranges::sort(entries, {}, &DirectoryEntry::name);
  return entries;
}

Status sync_parents(const std::string& staged, const std::string& target) {
  const std::string from = parent_directory(absolute_path(staged));
  const std::string to = parent_directory(absolute_path(target));
  TRY(sync_directory(to));
  if (from != to) TRY(sync_directory(from));
  return {};
}

}  // namespace

Result<std::string> make_temporary_directory(const std::string& prefix) {
  std::string path = prefix + "XXXXXX";
  if (::mkdtemp(path.data()) == nullptr) {
    return os_error(errno, "cannot create directory '{}XXXXXX'", prefix);
  }
  return path;
}

Status check_can_make(const std::string& directory) {
  std::string there = directory;
  while (!is_taken(there) && there != parent_directory(there)) there = parent_directory(there);
  TRY(HeldDirectory::open(resolve_links(there)));
  // A file without a name is one that nobody else ever sees. Not every file system has them.
  const Fd file(::open(there.c_str(), O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600));
  if (file.is_open()) return {};
  std::string probe = there + "/runed.tmp-XXXXXX";
  if ((errno == EOPNOTSUPP || errno == EISDIR) && ::mkdtemp(probe.data()) != nullptr) {
    ::rmdir(probe.c_str());
    return {};
  }
  return os_error(errno, "nothing can be made in '{}'", there);
}

Result<TemporaryDirectory> TemporaryDirectory::create(const std::string& prefix) {
  TRY_ASSIGN(std::string path, make_temporary_directory(prefix));
  return TemporaryDirectory(std::move(path));
}

TemporaryDirectory::~TemporaryDirectory() {
  if (!path_.empty()) static_cast<void>(remove_tree(path_).has_value());
}

Status remove_tree(const std::string& path) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0) {
    if (errno == ENOENT) return {};
    return cannot_remove(path);
  }
  if (!S_ISDIR(status.st_mode)) return remove_file(path);
  TRY(make_writable(path, status));
  TRY_ASSIGN(Fd fd, open_directory(path));
  TRY_ASSIGN(const std::vector<std::string> names, names_in(std::move(fd), path));
  for (const std::string& name : names) TRY(remove_tree(fmt::format("{}/{}", path, name)));
  if (::rmdir(path.c_str()) != 0 && errno != ENOENT) return cannot_remove(path);
  return {};
}

Status swap_directories(const std::string& staged, const std::string& target) {
  const int exchanged =
      ::renameat2(AT_FDCWD, staged.c_str(), AT_FDCWD, target.c_str(), RENAME_EXCHANGE);
  if (exchanged != 0) {
    // EINVAL: this file system cannot; ENOSYS: this kernel, or what filters its calls.
    if (errno == EINVAL || errno == ENOSYS) return replace_directory(staged, target);
    // Nothing to exchange with, unless it is `staged` that is missing: then this fails as well.
    if (errno != ENOENT || ::rename(staged.c_str(), target.c_str()) != 0) {
      return cannot_replace(target);
    }
  }
  return sync_parents(staged, target);
}

Status replace_directory(const std::string& staged, const std::string& target) {
  const std::string aside = staged + ".old";
  const bool had_target = ::rename(target.c_str(), aside.c_str()) == 0;
  if (!had_target && errno != ENOENT) return cannot_replace(target);
  if (::rename(staged.c_str(), target.c_str()) != 0) {
    const Error error = cannot_replace(target);
    // If this fails too there is nothing left to try, and the first fault is the one to tell.
    if (had_target) static_cast<void>(::rename(aside.c_str(), target.c_str()));
    return error;
  }
  if (had_target && ::rename(aside.c_str(), staged.c_str()) != 0) return cannot_replace(target);
  return sync_parents(staged, target);
}

Status sync_directory(const std::string& path) {
  TRY_ASSIGN(const Fd fd, open_fd(path, O_RDONLY | O_DIRECTORY));
  if (::fsync(fd.get()) != 0) return os_error(errno, "cannot sync '{}'", path);
  return {};
}

Result<std::vector<DirectoryEntry>> list_directory(const std::string& directory) {
  return sorted_entries(directory, Depth::one_level);
}

Result<std::vector<DirectoryEntry>> list_tree(const std::string& directory) {
  return sorted_entries(directory, Depth::whole_tree);
}

}  // namespace runed::os
