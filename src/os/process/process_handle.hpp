#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "os/file/fd.hpp"

namespace runed::os {

/// One process, child or not, by a descriptor (pidfd): what is learnt about it and the signals that
/// it is sent are never another's that got its number.
class ProcessHandle {
 public:
  /// Errors: not_found if there is no such process.
  static Result<ProcessHandle> open(int pid);

  int pid() const { return pid_; }

  /// Waits for its end; false when the time is over.
  bool wait_for_exit(std::chrono::milliseconds timeout) const;

  /// Tells the real user it runs as; none if it has ended.
  std::optional<unsigned> user() const;

  /// Tells the path of its program as it was when it started; empty if it has ended, or may not be
  /// looked at. The file may have been replaced or removed since.
  std::string program() const;

  /// Tells whether its program is the file at this path.
  bool runs(const std::string& path) const;

  /// Tells which process took the flock on the file at this path, if this one holds it now: itself,
  /// or one that left it the descriptor. As the kernel has it, whatever the file says.
  /// Source: proc_pid_fdinfo(5), `lock`; Linux 4.1.
  std::optional<int> lock_taker(const std::string& path) const;

  /// Sends it a signal.
  /// Errors: not_found if it has ended; permission_denied.
  Status signal(int number) const;

 private:
  ProcessHandle(int pid, Fd fd) : pid_(pid), fd_(std::move(fd)) {}

  int pid_;
  Fd fd_;
};

/// Finds a process that holds the flock on a file; `likely`, if it does, saves the search among
/// all. Only those that this user may look at are found: its own, or of root all.
std::optional<ProcessHandle> find_lock_holder(const std::string& path, std::optional<int> likely);

}  // namespace runed::os
