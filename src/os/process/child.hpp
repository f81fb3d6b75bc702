#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "os/file/fd.hpp"

namespace runed::os {

class ChildHelper;

/// How a process ended: by `code`, or, when `signal` is not 0, by that signal.
struct ExitStatus {
  int code = 0;
  int signal = 0;

  /// Says it for people: `exited with code 3`, `was killed by SIGKILL`.
  std::string describe() const;
};

struct ChildOptions {
  enum class Group { own_group, own_session };

  std::vector<std::string> arguments;  // The first is the path of the executable; no PATH search.
  std::optional<std::vector<std::string>> environment{};  // KEY=VALUE; none: inherit.
  Group group = Group::own_group;
  /// The kernel kills the child (it alone, not its group) when the *thread* that spawned it ends,
  /// and so when the process does, whatever ends it. `main` must call `run_as_child_helper` first.
  bool dies_with_parent = false;
  int stdin_fd = -1;  // Borrowed; -1: /dev/null. So are the next two.
  int stdout_fd = -1;
  int stderr_fd = -1;
};

/// A child process that leads its own group. It starts with no signal blocked or ignored and no
/// descriptor but the three. The destructor kills the group and reaps the child.
class Child {
 public:
  /// Errors: `cannot start '<path>': <reason>`; unavailable if it was to die with its parent and was
  ///         ended before it ran, which is nobody's but the killer's fault.
  static Result<Child> spawn(const ChildOptions& options);

  Child(Child&& other) noexcept;
  Child& operator=(Child&& other) noexcept;
  ~Child();

  int pid() const { return pid_; }

  /// Readable once the child has ended.
  int exit_fd() const { return pidfd_.get(); }

  /// Waits for the child to end and reaps it; empty when the time is over.
  Result<std::optional<ExitStatus>> wait(std::chrono::milliseconds timeout);

  /// Sends a signal to the child and all of its group.
  /// Errors: not_found if the child was reaped.
  Status signal_group(int signal);

  /// Ends the child: SIGTERM to the group, `grace` to end in, then SIGKILL to what is left of it.
  /// Errors: deadline_exceeded if the kernel cannot end it (it waits for a dead disk).
  Result<ExitStatus> stop(std::chrono::milliseconds grace);

  /// Lets the child live on after us. If it ends first, a thread of ours reaps it, so it does not
  /// stay as a zombie. The object is spent afterwards.
  void release();

 private:
  static Result<Child> start(const ChildOptions& options, const ChildHelper* helper);
  Child(int pid, Fd pidfd) : pid_(pid), pidfd_(std::move(pidfd)) {}

  bool is_running() const { return pid_ > 0 && !status_.has_value(); }
  Result<ExitStatus> reap();

  int pid_ = -1;
  Fd pidfd_;
  std::optional<ExitStatus> status_;  // Set once reaped: from then on the pid may be another's.
};

}  // namespace runed::os
