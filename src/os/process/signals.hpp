#pragma once

#include <chrono>
#include <csignal>
#include <optional>
#include <string>

#include "os/file/fd.hpp"
#include "os/net/wakeup.hpp"

namespace runed::os {

/// Asks a daemon to read its configuration again.
inline constexpr int kReloadSignal = SIGUSR1;

/// Receives SIGINT, SIGTERM, SIGHUP and kReloadSignal as values instead of interruptions. Made first thing in
/// `main`: it blocks them for this thread and for those that it starts from then on. They stay
/// blocked afterwards, so that one more during exit cannot change the exit code.
class SignalWatcher {
 public:
  SignalWatcher();

  /// Waits for one of the signals; empty after `timeout`, or once for each `wake`.
  std::optional<int> wait(std::chrono::milliseconds timeout);

  /// Ends the `wait` of another thread, or the next one if none waits. Thread-safe.
  void wake() { wakeup_.notify(); }

 private:
  Fd fd_;
  Wakeup wakeup_;
};

/// Makes a write to a closed pipe or socket an error (EPIPE) instead of the end of the process.
void ignore_sigpipe();

/// Makes a write past the limit on the size of files (`ulimit -f`) an error, EFBIG, instead of the end
/// of the process. Our children have the signal as it was.
void ignore_file_size_signal();

/// Undoes a parent's `trap '' CHLD`, under which the kernel reaps our children before we can.
void restore_child_signal();

/// Returns the signal's name: `SIGTERM`, or `signal 99` if it has none.
std::string signal_name(int signal);

}  // namespace runed::os
