#include "os/process/process.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pwd.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>

#include "os/file/files.hpp"
#include "os/net/poll.hpp"
#include "os/process/proc_file.hpp"

namespace runed::os {
namespace {

// The inodes of its sockets, as text. Source: proc_pid_fd(5): `socket:[1234]`.
std::set<std::string> socket_inodes(int pid) {
  constexpr std::string_view kPrefix = "socket:[";
  std::set<std::string> inodes;
  std::error_code failed;
  const std::filesystem::path files = fmt::format("/proc/{}/fd", pid);
  for (std::filesystem::directory_iterator file(files, failed), end; !failed && file != end;
       file.increment(failed)) {
    std::error_code closed;
    const std::string target = std::filesystem::read_symlink(file->path(), closed).string();
    if (target.starts_with(kPrefix)) {
      inodes.insert(target.substr(kPrefix.size(), target.size() - kPrefix.size() - 1));
    }
  }
  return inodes;
}

}  // namespace

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

std::vector<std::string> environment_variables() {
  std::vector<std::string> variables;
  for (char** variable = ::environ; *variable != nullptr; ++variable)
    variables.emplace_back(*variable);
  return variables;
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

size_t terminal_columns(int fd) {
  winsize size{};
  return is_terminal(fd) && ::ioctl(fd, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

void fill_standard_descriptors() {
  for (const int fd : {kStdin, kStdout, kStderr}) {
    if (::fcntl(fd, F_GETFD) != -1 || errno != EBADF) continue;
    // The lowest number that is free is this one. Opened for the other direction, so that it fails.
    static_cast<void>(::open("/dev/null", fd == kStdin ? O_WRONLY : O_RDONLY));
  }
}

bool is_readable_stream(int fd) {
  struct stat status {};
  return ::fstat(fd, &status) == 0 && (status.st_mode & S_IFMT) != 0 &&
         (::fcntl(fd, F_GETFL) & O_ACCMODE) != O_WRONLY;
}

bool is_null_device(int fd) {
  struct stat status {};
  struct stat null {};
  return ::fstat(fd, &status) == 0 && ::stat("/dev/null", &null) == 0 &&
         S_ISCHR(status.st_mode) && status.st_rdev == null.st_rdev;
}

Result<Fd> open_process(int pid) {
  // glibc 2.36 declares its wrapper for C only.
  Fd fd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (!fd.is_open()) return os_error(errno, "cannot watch process {}", pid);
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
    return os_error(errno, "cannot signal process {}", pid);
  }
  return {};
}

// Source: proc_pid_stat(5): fields 14 and 15, in clock ticks. Field 2 is the name in parentheses,
// which may have blanks and parentheses itself; field 3 is the first behind it.
std::chrono::milliseconds cpu_time_of(int pid) {
  const Result<std::string> text = read_file(fmt::format("/proc/{}/stat", pid), kMostProcBytes);
  if (!text.has_value()) return {};
  const size_t name_end = text->rfind(')');
  if (name_end == std::string::npos) return {};
  const std::string_view fields = std::string_view(*text).substr(name_end + 1);
  const uint64_t ticks = to_number(word_at(fields, 14 - 3)) + to_number(word_at(fields, 15 - 3));
  const auto ticks_per_second = static_cast<uint64_t>(::sysconf(_SC_CLK_TCK));
  return std::chrono::milliseconds(ticks * 1000 / ticks_per_second);
}

uint64_t oom_kills() {
  const Result<std::string> text = read_file("/proc/vmstat", kMostProcBytes);
  return text.has_value() ? number_after(*text, "oom_kill") : 0;
}

// Source: the kernel's Documentation/networking/proc_net_tcp.rst: local address and port are word
// 1, in hexadecimal, the state is word 3, the inode word 9.
std::optional<uint16_t> find_listening_port(int pid) {
  constexpr std::string_view kListening = "0A";
  const std::string loopback = fmt::format("{:08X}:", ::htonl(INADDR_LOOPBACK));
  const std::set<std::string> inodes = socket_inodes(pid);
  std::ifstream sockets(fmt::format("/proc/{}/net/tcp", pid));
  for (std::string line; std::getline(sockets, line);) {
    const std::string_view address = word_at(line, 1);
    if (word_at(line, 3) == kListening && address.starts_with(loopback) &&
        inodes.contains(std::string(word_at(line, 9)))) {
      return static_cast<uint16_t>(to_number(address.substr(loopback.size()), 16));
    }
  }
  return std::nullopt;
}

}  // namespace runed::os
