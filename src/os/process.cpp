#include "os/process.hpp"

#include <pwd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <filesystem>

#include "os/poll.hpp"

namespace runed::os {

int process_id() {
  return ::getpid();
}

unsigned user_id() {
  return ::getuid();
}

std::optional<std::string> environment_variable(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  if (value == nullptr) return std::nullopt;
  return value;
}

Result<std::string> home_directory() {
  const std::optional<std::string> home = environment_variable("HOME");
  if (home.has_value() && !home->empty()) return *home;
  passwd entry{};
  passwd* found = nullptr;
  std::array<char, 4096> buffer{};
  ::getpwuid_r(::getuid(), &entry, buffer.data(), buffer.size(), &found);
  if (found == nullptr || found->pw_dir == nullptr || *found->pw_dir == '\0') {
    return make_error(ErrorCode::not_found, "cannot find the home directory of user {}", ::getuid())
        .with_hint("set HOME or RUNED_HOME");
  }
  return std::string(found->pw_dir);
}

Result<std::string> executable_path() {
  std::error_code failed;
  const std::filesystem::path path = std::filesystem::read_symlink("/proc/self/exe", failed);
  if (failed) return os_error(failed.value(), "cannot read '/proc/self/exe'");
  return path.string();
}

bool is_terminal(int fd) {
  return ::isatty(fd) == 1;
}

Result<Fd> open_process(int pid) {
  // glibc 2.36 declares its wrapper for C only.
  Fd fd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (!fd.is_open()) return os_error(errno, fmt::format("cannot watch process {}", pid));
  return fd;
}

bool wait_for_exit(int pid, std::chrono::milliseconds timeout) {
  const Result<Fd> process = open_process(pid);
  if (!process.has_value()) return process.error().code == ErrorCode::not_found;
  return wait_readable(process->get(), timeout);
}

Status signal_process(int pid, int signal) {
  // For kill, 0 and negative numbers are whole groups.
  if (pid <= 0) return make_error(ErrorCode::invalid_argument, "'{}' is not a process", pid);
  if (::kill(pid, signal) != 0) {
    return os_error(errno, fmt::format("cannot signal process {}", pid));
  }
  return {};
}

}  // namespace runed::os
