#include "os/directory/own_directory.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <memory>
#include <system_error>

#include "base/text.hpp"
#include "os/file/files.hpp"

namespace runed::os {
namespace {

constexpr mode_t kModeBits = 07777;
constexpr mode_t kWriteByOthers = 0022;

Error cannot_read(const std::string& path, int error_number) {
  return os_error(error_number, "cannot read '{}'", path);
}

// Something else than a directory is at the path.
Error not_a_directory(const std::string& path, mode_t mode) {
  const auto refuse = [&path](const std::string& why) {
    return make_error(ErrorCode::permission_denied, "cannot use '{}': {}", path, why);
  };
  if (!S_ISLNK(mode)) return refuse("not a directory");
  if (exists(path)) return refuse("it is a symbolic link");
  std::error_code unreadable;
  const auto target = std::filesystem::read_symlink(path, unreadable);
  return refuse(fmt::format("it is a link that leads nowhere, to '{}'", target.string()))
      .with_hint("make that directory, or remove the link");
}

}  // namespace

// O_PATH: whose it is can be told of a directory that may not be read.
Result<HeldDirectory> HeldDirectory::open(const std::string& path) {
  Result<Fd> fd = open_fd(path, O_PATH | O_DIRECTORY | O_NOFOLLOW);
  struct stat status {};
  if (!fd.has_value()) {
    if (::lstat(path.c_str(), &status) != 0 || S_ISDIR(status.st_mode)) return fd.error();
    return not_a_directory(path, status.st_mode);
  }
  if (::fstat(fd->get(), &status) != 0) {
    return os_error(errno, "cannot inspect '{}'", path);
  }
  return HeldDirectory(path, *std::move(fd), status.st_uid, status.st_mode & kModeBits);
}

Result<std::vector<std::string>> HeldDirectory::names() const {
  Fd fd(::openat(fd_.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.is_open()) {
    const int fault = errno;
    TRY(check_owner());
    return cannot_read(path_, fault)
        .with_hint(fmt::format("run: chmod u+rwx {}", shell_quoted(path_)));
  }
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(::fdopendir(fd.get()), ::closedir);
  if (directory == nullptr) return cannot_read(path_, errno);
  static_cast<void>(fd.release());
  std::vector<std::string> names;
  while (true) {
    errno = 0;
    const dirent* entry = ::readdir(directory.get());
    if (entry == nullptr && errno != 0) return cannot_read(path_, errno);
    if (entry == nullptr) break;
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
  }
  std::ranges::sort(names);
  return names;
}

bool HeldDirectory::is_open_to_others() const {
  return (mode_ & kWriteByOthers) != 0;
}

Status HeldDirectory::check_owner() const {
  const unsigned user = ::geteuid();
  if (owner_ == user) return {};
  Error error = make_error(ErrorCode::permission_denied, "cannot use '{}': it belongs to user {}",
                           path_, owner_);
  const std::string command = fmt::format("chown -R {} {}", user, shell_quoted(path_));
  // Root could write to it, and would leave there what its owner can neither use nor remove.
  return std::move(error).with_hint(
      user == 0 ? "run this as that user; to make the directory root's, run: " + command
                : "name a directory of yours; to make this one yours, run as root: " + command);
}

Status check_closed(const std::vector<HeldDirectory>& directories) {
  std::string faults;
  std::string command = "chmod go-w";
  for (const HeldDirectory& directory : directories) {
    if (!directory.is_open_to_others()) continue;
    faults += fmt::format("{}'{}' (mode {:03o})", faults.empty() ? "" : ", ", directory.path(),
                          directory.mode());
    command += " " + shell_quoted(directory.path());
  }
  if (faults.empty()) return {};
  return make_error(ErrorCode::permission_denied, "cannot use {}: other users may write there",
                    faults)
      .with_hint("run: " + command);
}

Status check_own_directory(const std::string& path) {
  TRY_ASSIGN(HeldDirectory directory, HeldDirectory::open(path));
  TRY(directory.check_owner());
  std::vector<HeldDirectory> one;
  one.push_back(std::move(directory));
  return check_closed(one);
}

Status make_own_directory(const std::string& path) {
  TRY(make_missing_directories(path));
  return check_own_directory(path);
}

}  // namespace runed::os
