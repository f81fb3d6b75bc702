#include "os/file/file_lock.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <thread>

#include "base/duration.hpp"
#include "os/file/files.hpp"
#include "os/file/regular_file.hpp"
#include "os/file/retry.hpp"

namespace runed::os {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kPollInterval{20};
constexpr mode_t kLockMode = 0600;
constexpr size_t kMostBytes = 8192;  // Of the file: an id, and a path at most.

// The holder's id is advice for people, so a full disk must not keep anyone from the lock.
void write_holder(int fd, std::string_view note) {
  const std::string text =
      note.empty() ? std::to_string(::getpid()) : fmt::format("{} {}\n", ::getpid(), note);
  if (::ftruncate(fd, 0) != 0) return;
  retry_interrupted([&] { return ::pwrite(fd, text.data(), text.size(), 0); });
}

Error not_in_time(const std::string& path, std::chrono::milliseconds timeout) {
  return make_error(ErrorCode::deadline_exceeded, "cannot lock '{}' within {}: {} holds it", path,
                    format_duration(timeout), FileLock::describe_holder(path));
}

}  // namespace

Result<std::optional<FileLock>> FileLock::try_acquire(const std::string& path,
                                                      std::string_view note) {
  TRY_ASSIGN(Fd fd, open_regular_file(path, O_RDWR | O_CREAT, Links::refused, kLockMode));
  if (retry_interrupted([&] { return ::flock(fd.get(), LOCK_EX | LOCK_NB); }) != 0) {
    if (errno == EWOULDBLOCK) return std::optional<FileLock>{};
    return os_error(errno, "cannot lock '{}'", path)
        .with_hint("some network file systems have no locks: name a directory on another one");
  }
  write_holder(fd.get(), note);
  return std::optional<FileLock>(FileLock(std::move(fd)));
}

Result<FileLock> FileLock::acquire(const std::string& path, std::chrono::milliseconds timeout) {
  const Clock::time_point deadline = Clock::now() + timeout;
  while (true) {
    TRY_ASSIGN(std::optional<FileLock> lock, try_acquire(path));
    if (lock.has_value()) return std::move(*lock);
    const auto left = deadline - Clock::now();
    if (left <= Clock::duration::zero()) return not_in_time(path, timeout);
    // flock has no form that waits for a limited time.
    std::this_thread::sleep_for(std::min<Clock::duration>(left, kPollInterval));
  }
}

bool FileLock::is_held(const std::string& path) {
  const Result<Fd> fd = open_regular_file(path, O_RDONLY, Links::refused);
  if (!fd.has_value()) return false;
  return retry_interrupted([&] { return ::flock(fd->get(), LOCK_SH | LOCK_NB); }) != 0 &&
         errno == EWOULDBLOCK;
}

std::optional<int> FileLock::read_holder(const std::string& path) {
  const Result<std::string> text = read_file(path, kMostBytes);
  int holder = 0;
  if (!text.has_value()) return std::nullopt;
  const char* end = text->data() + text->size();
  if (std::from_chars(text->data(), end, holder).ec != std::errc{}) return std::nullopt;
  return holder;
}

std::string FileLock::describe_holder(const std::string& path) {
  const std::optional<int> holder = read_holder(path);
  return holder.has_value() ? fmt::format("process {}", *holder) : "another process";
}

std::string FileLock::read_note(const std::string& path) {
  const Result<std::string> text = read_file(path, kMostBytes);
  const size_t blank = text.has_value() ? text->find(' ') : std::string::npos;
  // One that was not written to its end, for want of disk, is none.
  if (blank == std::string::npos || !text->ends_with('\n')) return {};
  return text->substr(blank + 1, text->size() - blank - 2);
}

void FileLock::release() {
  if (!fd_.is_open()) return;
  // As in write_holder: that it fails changes nothing that matters.
  static_cast<void>(::ftruncate(fd_.get(), 0) == 0);
  fd_.close();
}

}  // namespace runed::os
