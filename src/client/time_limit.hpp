#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "base/clock.hpp"
#include "base/result.hpp"

namespace runed::client {

/// Keeps a time limit that a library does not: a thread tells when a step lasts longer than it may.
/// Steps are one thread's, one at a time.
class TimeLimit {
 public:
  /// `on_exceeded` is called at most once, from the thread, with deadline_exceeded; it ends the process.
  /// Errors: too_few_threads if there is no thread to be had.
  static Result<std::unique_ptr<TimeLimit>> start(std::function<void(const Error&)> on_exceeded);
  TimeLimit(const TimeLimit&) = delete;
  TimeLimit& operator=(const TimeLimit&) = delete;
  ~TimeLimit();

  /// Lasts at most so long.
  class Step {
   public:
    Step(TimeLimit& limit, std::chrono::milliseconds longest);
    Step(const Step&) = delete;
    Step& operator=(const Step&) = delete;
    ~Step();

   private:
    TimeLimit& limit_;
  };

 private:
  explicit TimeLimit(std::function<void(const Error&)> on_exceeded);
  void set(std::optional<SteadyTime> until);
  void watch();

  const std::function<void(const Error&)> on_exceeded_;
  std::mutex mutex_;  // Guards the members up to the blank line.
  std::condition_variable changed_;
  std::optional<SteadyTime> until_;  // Of the step under way.
  bool stopping_ = false;

  std::thread thread_;
};

}  // namespace runed::client
