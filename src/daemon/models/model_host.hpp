#pragma once

#include <array>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "daemon/models/scheduler.hpp"

namespace runed::daemon {

/// Gets the engine ready to be started: finds its model, and fetches it if need be. Called on the host's
/// thread until it has succeeded; gives up soon after `is_stopping` has turned true.
using EngineSource =
    std::function<Result<std::unique_ptr<embed::Engine>>(const std::function<bool()>& is_stopping)>;

/// One served model: its scheduler, and the thread that takes the scheduler's turns, the only one that
/// uses the engine. Any thread may call it.
class ModelHost {
 public:
  /// A host whose options say `is_on_demand` makes the engine when it is first asked for, and tells who
  /// asked if that fails; any other one makes it at once. Then `on_load_failed` is called by the thread
  /// when there is no engine, or its first start fails; jobs are refused from then on.
  ModelHost(EngineSource source, State& state, Scheduler::Shared shared, const Clock& clock,
            Log& log, const Scheduler::Options& options,
            std::function<void(const Error&)> on_load_failed);
  ModelHost(const ModelHost&) = delete;
  ModelHost& operator=(const ModelHost&) = delete;
  /// Stops, for as long as the pass under way takes.
  ~ModelHost();

  /// What takes its calls, and tells of its load.
  Scheduler& scheduler() { return scheduler_; }

  /// Closes, and tells the thread to stop the engine and end after the pass under way; a start
  /// under way and a wait for the next one are given up. What still waits is answered with
  /// shutting_down. Returns whether the thread has ended in time.
  bool stop(std::chrono::milliseconds timeout);

 private:
  void run();
  void serve();
  bool is_engine_needed();
  Status load();
  void fail_load(const Error& reason);
  void report_fault();
  void give_up(const Error& reason);
  void wait_until(std::optional<SteadyTime> due);
  void wake();
  bool is_stopping();

  const EngineSource source_;
  State& state_;
  const Clock& clock_;
  Log& log_;
  const bool is_on_demand_;
  const std::string name_;  // For the log.
  const std::function<void(const Error&)> on_load_failed_;

  std::mutex mutex_;  // Guards the members up to the blank line.
  std::condition_variable changed_;
  bool woken_ = false;  // Since the last turn.
  bool stopping_ = false;
  bool ended_ = false;  // The thread has answered its last job.

  // The thread's own.
  bool has_engine_ = false;
  std::optional<SteadyTime> load_again_at_;  // After one that failed, though nobody asks.
  std::array<char, 120> fault_{};  // What was thrown, to be told once there may be memory for it.
  Scheduler scheduler_;
  std::thread thread_;  // Last: it uses all of the above.
};

}  // namespace runed::daemon
