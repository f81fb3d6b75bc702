#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

#include "base/clock.hpp"
#include "base/log.hpp"
#include "os/process/signals.hpp"

namespace runed::daemon {

/// Sees to it that a shutdown ends, whatever a peer, a library or a file system does: a thread that
/// ends the process when a step takes longer than it may, and at once on a second signal.
class ShutdownWatch {
 public:
  /// `end_process` is called at most once, from the thread. It runs no destructors, which would wait
  /// for what does not end.
  ShutdownWatch(os::SignalWatcher& signals, Log& log,
                std::function<void(int exit_code)> end_process);
  ShutdownWatch(const ShutdownWatch&) = delete;
  ShutdownWatch& operator=(const ShutdownWatch&) = delete;
  ~ShutdownWatch();

  /// Watches from now on, and nobody else waits on the signals until this is gone. `exit_code` is that
  /// of a step which takes too long.
  void begin(int exit_code);

  /// Begins a step, named for the log, that may take so long.
  void begin_step(std::string name, std::chrono::milliseconds longest);

 private:
  void watch();
  bool wait_for_begin();

  os::SignalWatcher& signals_;
  Log& log_;
  const std::function<void(int exit_code)> end_process_;

  std::mutex mutex_;  // Guards the members up to the blank line.
  std::condition_variable changed_;
  bool begun_ = false;
  int exit_code_ = 0;
  std::string step_;
  SteadyTime until_;
  bool stopping_ = false;

  std::thread thread_;  // There from the start: when it is needed there may be no other to be had.
};

}  // namespace runed::daemon
