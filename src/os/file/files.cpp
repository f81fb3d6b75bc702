#include "os/file/files.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <limits>
#include <thread>

#include "os/file/regular_file.hpp"
#include "os/file/retry.hpp"
#include "os/net/poll.hpp"

namespace runed::os {
namespace {

constexpr mode_t kPrivate = 0700;

// What to do when there is nothing to read yet. A file in which that happens is none that we want:
// /proc/kmsg is a regular one, and has no end.
enum class Nothing { waits, fails };

// Reads to the end of the stream, or to one byte past the limit: enough to know that it is passed.
Result<std::string> read_up_to(int fd, size_t max_bytes, Nothing nothing) {
  std::array<char, size_t{64} * 1024> buffer;
  std::string content;
  while (content.size() <= max_bytes) {
    const ssize_t count =
        retry_interrupted([&] { return ::read(fd, buffer.data(), buffer.size()); });
    if (count == 0) break;
    if (count > 0) {
      content.append(buffer.data(), static_cast<size_t>(count));
    } else if (errno == EAGAIN && nothing == Nothing::waits) {
      wait_readable(fd, std::nullopt);
    } else {
      return os_error(errno);
    }
  }
  return content;
}

std::chrono::nanoseconds to_duration(const timespec& time) {
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

Result<struct stat> inspect(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) {
    return os_error(errno, "cannot inspect '{}'", path);
  }
  return status;
}

FileIdentity to_identity(const struct stat& status) {
  return {
      .device = status.st_dev,
      .inode = status.st_ino,
      .size_bytes = static_cast<uint64_t>(status.st_size),
      .modified = to_duration(status.st_mtim),
      .changed = to_duration(status.st_ctim),
  };
}

// The longest tick of a kernel's clock (CONFIG_HZ=100), twice.
constexpr std::chrono::milliseconds kTick{20};
constexpr int kMostWaits = 50;  // For one that is written to all the time.

// A time in the future is no reason to wait: clocks of file servers differ.
template <typename Look>
Result<FileIdentity> settled(const Look& look) {
  for (int waits = 0;; ++waits) {
    TRY_ASSIGN(const FileIdentity identity, look());
    const auto age = std::chrono::system_clock::now().time_since_epoch() - identity.modified;
    if (age < std::chrono::nanoseconds(0) || age >= kTick || waits == kMostWaits) return identity;
    std::this_thread::sleep_for(kTick - age);
  }
}

}  // namespace

Result<std::string> read_file(const std::string& path, size_t max_bytes) {
  TRY_ASSIGN(const Fd fd, open_regular_file(path, O_RDONLY, Links::followed));
  Result<std::string> content = read_up_to(fd.get(), max_bytes, Nothing::fails);
  if (!content.has_value())
    return std::move(content).error().in(fmt::format("cannot read '{}'", path));
  if (content->size() > max_bytes) {
    return make_error(ErrorCode::bad_input, "cannot read '{}': larger than {} bytes", path,
                      max_bytes);
  }
  return content;
}

Result<std::string> read_tail(const std::string& path, size_t max_bytes) {
  TRY_ASSIGN(const Fd fd, open_regular_file(path, O_RDONLY, Links::followed));
  const off_t size_bytes = ::lseek(fd.get(), 0, SEEK_END);
  const off_t start = std::max<off_t>(0, size_bytes - static_cast<off_t>(max_bytes));
  if (size_bytes < 0 || ::lseek(fd.get(), start, SEEK_SET) < 0) {
    return os_error(errno, "cannot seek in '{}'", path);
  }
  Result<std::string> content = read_up_to(fd.get(), max_bytes, Nothing::fails);
  if (!content.has_value())
    return std::move(content).error().in(fmt::format("cannot read '{}'", path));
  // A writer may have appended meanwhile.
  if (content->size() > max_bytes) content->erase(0, content->size() - max_bytes);
  return content;
}

Result<std::string> read_all(int fd) {
  return read_up_to(fd, std::numeric_limits<size_t>::max() - 1, Nothing::waits);
}

Result<size_t> read_some(int fd, std::span<char> buffer) {
  const ssize_t count = retry_interrupted([&] { return ::read(fd, buffer.data(), buffer.size()); });
  if (count < 0) return os_error(errno);
  return static_cast<size_t>(count);
}

std::optional<uint64_t> file_size_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_FSIZE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) {
    return std::nullopt;
  }
  return limit.rlim_cur;
}

Status write_all(int fd, std::string_view content) {
  while (!content.empty()) {
    const ssize_t count =
        retry_interrupted([&] { return ::write(fd, content.data(), content.size()); });
    if (count < 0) return os_error(errno);
    content.remove_prefix(static_cast<size_t>(count));
  }
  return {};
}

Result<Fd> open_input(const std::string& path) {
  return open_fd(path, O_RDONLY);
}

std::optional<uint64_t> bytes_left_of_file(int fd) {
  struct stat status {};
  if (::fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) return std::nullopt;
  const off_t position = ::lseek(fd, 0, SEEK_CUR);
  if (position < 0 || position > status.st_size) return std::nullopt;
  return static_cast<uint64_t>(status.st_size - position);
}

Result<Fd> open_for_append(const std::string& path, unsigned mode) {
  return open_regular_file(path, O_RDWR | O_APPEND | O_CREAT, Links::refused, mode);
}

Status remove_file(const std::string& path) {
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) {
    return os_error(errno, "cannot remove '{}'", path);
  }
  return {};
}

Status set_mode(const std::string& path, unsigned mode) {
  if (::chmod(path.c_str(), mode) != 0) {
    return os_error(errno, "cannot change the mode of '{}'", path);
  }
  return {};
}

bool exists(const std::string& path) {
  return ::access(path.c_str(), F_OK) == 0;
}

bool is_taken(const std::string& path) {
  struct stat status {};
  return ::lstat(path.c_str(), &status) == 0;
}

bool is_regular_file(const std::string& path) {
  struct stat status {};
  return ::lstat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode);
}

bool is_directory(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
}

bool is_executable_file(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode) &&
         ::access(path.c_str(), X_OK) == 0;
}

Result<FileOwner> file_owner(const std::string& path) {
  TRY_ASSIGN(const struct stat status, inspect(path));
  return FileOwner{status.st_uid, status.st_mode & 07777};
}

Result<FileIdentity> file_identity(const std::string& path) {
  TRY_ASSIGN(const struct stat status, inspect(path));
  return to_identity(status);
}

Result<FileIdentity> file_identity(const Fd& fd) {
  return file_identity(fd.get());
}

Result<FileIdentity> file_identity(int fd) {
  struct stat status {};
  if (::fstat(fd, &status) != 0) return os_error(errno, "cannot inspect a file");
  return to_identity(status);
}

bool is_same_file(const FileIdentity& a, const FileIdentity& b) {
  return a.device == b.device && a.inode == b.inode;
}

Result<FileIdentity> settled_identity(const std::string& path) {
  return settled([&path] { return file_identity(path); });
}

Result<FileIdentity> settled_identity(const Fd& fd) {
  return settled([&fd] { return file_identity(fd); });
}

Result<bool> try_lock(const Fd& fd) {
  if (retry_interrupted([&] { return ::flock(fd.get(), LOCK_EX | LOCK_NB); }) == 0) return true;
  if (errno == EWOULDBLOCK) return false;
  return os_error(errno, "cannot lock a file");
}

Status truncate_file(const Fd& fd, uint64_t size_bytes) {
  if (retry_interrupted([&] { return ::ftruncate(fd.get(), static_cast<off_t>(size_bytes)); }) !=
      0) {
    return os_error(errno);
  }
  return {};
}

Status sync_data(const Fd& fd) {
  if (::fdatasync(fd.get()) != 0) return os_error(errno);
  return {};
}

std::string absolute_path(const std::string& path) {
  std::error_code ignored;  // A working directory that was removed: the path stays relative.
  const std::filesystem::path base = std::filesystem::current_path(ignored);
  std::string clean = (base / path).lexically_normal().string();
  if (clean.size() > 1 && clean.ends_with('/')) clean.pop_back();
  return clean;
}

std::string parent_directory(const std::string& path) {
  return std::filesystem::path(path).parent_path().string();
}

std::string resolve_links(const std::string& path) {
  std::error_code failed;
  const std::filesystem::path resolved = std::filesystem::canonical(path, failed);
  return failed ? path : resolved.string();
}

Status make_missing_directories(const std::string& path) {
  if (::mkdir(path.c_str(), kPrivate) == 0 || errno == EEXIST) return {};
  const std::string parent = parent_directory(path);
  if (errno == ENOENT && !parent.empty() && parent != path) {
    TRY(make_missing_directories(parent));
    // Once more: another process may have been as quick.
    if (::mkdir(path.c_str(), kPrivate) == 0 || errno == EEXIST) return {};
  }
  return os_error(errno, "cannot create directory '{}'", path);
}

}  // namespace runed::os
