#include "os/process/process_handle.hpp"

#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <filesystem>

#include "base/text.hpp"
#include "os/file/files.hpp"
#include "os/net/poll.hpp"
#include "os/process/proc_file.hpp"
#include "os/process/process.hpp"

namespace runed::os {
namespace {

namespace fs = std::filesystem;

// Of the program of a process whose file was removed or replaced. Source: proc_pid_exe(5).
constexpr std::string_view kDeleted = " (deleted)";

bool is_same_file(const std::string& a, const std::string& b) {
  struct stat first {};
  struct stat second {};
  return ::stat(a.c_str(), &first) == 0 && ::stat(b.c_str(), &second) == 0 &&
         first.st_dev == second.st_dev && first.st_ino == second.st_ino;
}

// Source: proc_pid_fdinfo(5): `lock:	1: FLOCK  ADVISORY  WRITE 359 08:01:42 0 EOF`, only of locks
// that were taken through this descriptor.
std::optional<int> flock_taker(const std::string& fdinfo) {
  const Result<std::string> text = read_file(fdinfo, kMostProcBytes);
  if (!text.has_value()) return std::nullopt;
  for (const std::string_view line : split(*text, '\n')) {
    if (word_at(line, 0) == "lock:" && word_at(line, 2) == "FLOCK" && word_at(line, 4) == "WRITE") {
      return static_cast<int>(to_number(word_at(line, 5)));
    }
  }
  return std::nullopt;
}

}  // namespace

Result<ProcessHandle> ProcessHandle::open(int pid) {
  TRY_ASSIGN(Fd fd, open_process(pid));
  return ProcessHandle(pid, std::move(fd));
}

bool ProcessHandle::wait_for_exit(std::chrono::milliseconds timeout) const {
  return wait_readable(fd_.get(), timeout);
}

// Each of the following reads by the number, which was this process's if it has not ended by then.
std::optional<unsigned> ProcessHandle::user() const {
  const auto text = read_file(fmt::format("/proc/{}/status", pid_), kMostProcBytes);
  if (!text.has_value() || wait_for_exit(std::chrono::milliseconds(0))) return std::nullopt;
  return static_cast<unsigned>(number_after(*text, "Uid:"));
}

std::string ProcessHandle::program() const {
  std::error_code unknown;
  std::string path = fs::read_symlink(fmt::format("/proc/{}/exe", pid_), unknown).string();
  if (unknown || wait_for_exit(std::chrono::milliseconds(0))) return {};
  if (path.ends_with(kDeleted)) path.resize(path.size() - kDeleted.size());
  return path;
}

bool ProcessHandle::runs(const std::string& path) const {
  return is_same_file(fmt::format("/proc/{}/exe", pid_), path) &&
         !wait_for_exit(std::chrono::milliseconds(0));
}

std::optional<int> ProcessHandle::lock_taker(const std::string& path) const {
  std::error_code ended;
  const fs::path files = fmt::format("/proc/{}/fd", pid_);
  for (fs::directory_iterator file(files, ended), end; !ended && file != end;
       file.increment(ended)) {
    if (!is_same_file(file->path(), path)) continue;
    const auto taker =
        flock_taker(fmt::format("/proc/{}/fdinfo/{}", pid_, file->path().filename().string()));
    if (taker.has_value() && !wait_for_exit(std::chrono::milliseconds(0))) return taker;
  }
  return std::nullopt;
}

Status ProcessHandle::signal(int number) const {
  if (::syscall(SYS_pidfd_send_signal, fd_.get(), number, nullptr, 0) != 0) {
    return os_error(errno, "cannot signal process {}", pid_);
  }
  return {};
}

std::optional<ProcessHandle> find_lock_holder(const std::string& path, std::optional<int> likely) {
  const auto holder = [&path](int pid) -> std::optional<ProcessHandle> {
    auto process = ProcessHandle::open(pid);
    if (!process.has_value() || !process->lock_taker(path)) return std::nullopt;
    return std::move(process).value();
  };
  if (likely.has_value()) {
    if (auto found = holder(*likely)) return found;
  }
  std::error_code ended;
  for (fs::directory_iterator process("/proc", ended), end; !ended && process != end;
       process.increment(ended)) {
    const auto pid = static_cast<int>(to_number(process->path().filename().string()));
    if (pid <= 0) continue;
    if (auto found = holder(pid)) return found;
  }
  return std::nullopt;
}

}  // namespace runed::os
