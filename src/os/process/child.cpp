#include "os/process/child.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <system_error>
#include <thread>
#include <utility>

#include "base/check.hpp"
#include "os/file/retry.hpp"
#include "os/net/poll.hpp"
#include "os/process/child_helper.hpp"
#include "os/process/process.hpp"
#include "os/process/signals.hpp"

namespace runed::os {
namespace {

// SIGKILL acts at once, except on a process inside a system call that cannot be interrupted.
constexpr std::chrono::seconds kKillDeadline{10};

class SpawnAttributes {
 public:
  explicit SpawnAttributes(ChildOptions::Group group) {
    const bool session = group == ChildOptions::Group::own_session;
    const int leader = session ? POSIX_SPAWN_SETSID : POSIX_SPAWN_SETPGROUP;
    sigset_t signals;
    CHECK(::posix_spawnattr_init(&attributes_) == 0);
    ::posix_spawnattr_setflags(
        &attributes_, static_cast<short>(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | leader));
    ::posix_spawnattr_setpgroup(&attributes_, 0);
    ::sigemptyset(&signals);
    ::posix_spawnattr_setsigmask(&attributes_, &signals);
    ::sigfillset(&signals);
    ::posix_spawnattr_setsigdefault(&attributes_, &signals);
  }
  SpawnAttributes(const SpawnAttributes&) = delete;
  SpawnAttributes& operator=(const SpawnAttributes&) = delete;
  ~SpawnAttributes() { ::posix_spawnattr_destroy(&attributes_); }

  const posix_spawnattr_t* get() const { return &attributes_; }

 private:
  posix_spawnattr_t attributes_{};
};

class SpawnFiles {
 public:
  SpawnFiles() { CHECK(::posix_spawn_file_actions_init(&actions_) == 0); }
  SpawnFiles(const SpawnFiles&) = delete;
  SpawnFiles& operator=(const SpawnFiles&) = delete;
  ~SpawnFiles() { ::posix_spawn_file_actions_destroy(&actions_); }

  // The only failure of these is a lack of memory.
  void connect(int target, int source, int flags) {
    CHECK((source >= 0 ? ::posix_spawn_file_actions_adddup2(&actions_, source, target)
                       : ::posix_spawn_file_actions_addopen(&actions_, target, "/dev/null", flags,
                                                            0)) == 0);
  }
  void close_from(int first) {
    CHECK(::posix_spawn_file_actions_addclosefrom_np(&actions_, first) == 0);
  }

  const posix_spawn_file_actions_t* get() const { return &actions_; }

 private:
  posix_spawn_file_actions_t actions_{};
};

// The strings as execve wants them. They stay the caller's.
std::vector<char*> to_pointers(const std::vector<std::string>& strings) {
  std::vector<char*> pointers;
  pointers.reserve(strings.size() + 1);
  for (const std::string& text : strings) pointers.push_back(const_cast<char*>(text.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

ExitStatus to_exit_status(int status) {
  if (WIFSIGNALED(status)) return {.code = 0, .signal = WTERMSIG(status)};
  return {.code = WEXITSTATUS(status), .signal = 0};
}

}  // namespace

std::string ExitStatus::describe() const {
  if (signal != 0) return fmt::format("was killed by {}", signal_name(signal));
  return fmt::format("exited with code {}", code);
}

Result<Child> Child::spawn(const ChildOptions& options) {
  CHECK(!options.arguments.empty());
  if (!options.dies_with_parent) return start(options, nullptr);
  TRY_ASSIGN(ChildHelper helper, ChildHelper::prepare(options.arguments, options.environment));
  TRY_ASSIGN(Child child, start(options, &helper));
  TRY(helper.wait_for_program());
  return child;
}

// Starts the program, or the helper that becomes it.
Result<Child> Child::start(const ChildOptions& options, const ChildHelper* helper) {
  const SpawnAttributes attributes(options.group);
  SpawnFiles files;
  files.connect(kStdin, options.stdin_fd, O_RDONLY);
  files.connect(kStdout, options.stdout_fd, O_WRONLY);
  files.connect(kStderr, options.stderr_fd, O_WRONLY);
  if (helper != nullptr) files.connect(ChildHelper::kStatusFd, helper->status_fd(), 0);
  files.close_from(helper != nullptr ? ChildHelper::kStatusFd + 1 : kStderr + 1);

  const auto arguments = to_pointers(helper != nullptr ? helper->arguments() : options.arguments);
  std::vector<char*> environment;
  if (helper != nullptr) {
    environment = to_pointers(helper->environment());
  } else if (options.environment.has_value()) {
    environment = to_pointers(*options.environment);
  }
  pid_t pid = -1;
  const int failure =
      ::posix_spawn(&pid, arguments.front(), files.get(), attributes.get(), arguments.data(),
                    environment.empty() ? ::environ : environment.data());
  if (failure != 0) {
    return os_error(failure, "cannot start '{}'", options.arguments.front());
  }
  Result<Fd> pidfd = open_process(pid);
  if (!pidfd.has_value()) {
    // No descriptor left: a child that nobody can wait for must not stay.
    ::kill(-pid, SIGKILL);
    retry_interrupted([pid] { return ::waitpid(pid, nullptr, 0); });
    return std::move(pidfd).error();
  }
  return Child(pid, std::move(pidfd).value());
}

Child::Child(Child&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)),
      pidfd_(std::move(other.pidfd_)),
      status_(std::exchange(other.status_, std::nullopt)) {}

Child& Child::operator=(Child&& other) noexcept {
  std::swap(pid_, other.pid_);
  std::swap(pidfd_, other.pidfd_);
  std::swap(status_, other.status_);
  return *this;
}

Child::~Child() {
  // Without a wait for one that SIGKILL cannot end: init takes it over with our death.
  if (is_running()) static_cast<void>(stop(std::chrono::milliseconds{0}).has_value());
}

Result<std::optional<ExitStatus>> Child::wait(std::chrono::milliseconds timeout) {
  if (status_.has_value()) return status_;
  if (!wait_readable(pidfd_.get(), timeout)) return std::optional<ExitStatus>{};
  TRY_ASSIGN(const ExitStatus status, reap());
  return std::optional(status);
}

Status Child::signal_group(int signal) {
  if (!is_running()) return make_error(ErrorCode::not_found, "the child has ended");
  if (::kill(-pid_, signal) != 0) {
    return os_error(errno, "cannot signal the group of process {}", pid_);
  }
  return {};
}

Result<ExitStatus> Child::stop(std::chrono::milliseconds grace) {
  if (status_.has_value()) return *status_;
  TRY(signal_group(SIGTERM));
  wait_readable(pidfd_.get(), grace);
  // Also when the child itself has ended: its own children may not have. The group is certainly
  // still ours, because its leader has not been reaped.
  TRY(signal_group(SIGKILL));
  if (!wait_readable(pidfd_.get(), kKillDeadline)) {
    return make_error(ErrorCode::deadline_exceeded, "process {} does not end after SIGKILL", pid_);
  }
  return reap();
}

void Child::release() {
  if (is_running()) {
    try {
      std::thread([pid = pid_] {
        retry_interrupted([pid] { return ::waitpid(pid, nullptr, 0); });
      }).detach();
    } catch (const std::system_error&) {
      // No thread to be had: should the child end before us, its entry in the process table stays
      // until we end too.
    }
  }
  pid_ = -1;
  pidfd_.close();
}

Result<ExitStatus> Child::reap() {
  int status = 0;
  if (retry_interrupted([&] { return ::waitpid(pid_, &status, 0); }) != pid_) {
    return os_error(errno, "cannot reap process {}", pid_);
  }
  status_ = to_exit_status(status);
  return *status_;
}

}  // namespace runed::os
