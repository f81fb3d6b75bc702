#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <queue>
#include <thread>
#include <vector>

#include "base/clock.hpp"

namespace runed::bench {

/// Calls functions at given times, on a thread of its own.
class LoadTimer {
 public:
  LoadTimer() : thread_([this] { run(); }) {}
  /// Forgets what is not due yet.
  ~LoadTimer();
  LoadTimer(const LoadTimer&) = delete;
  LoadTimer& operator=(const LoadTimer&) = delete;

  void at(SteadyTime time, std::function<void()> work);

 private:
  struct Entry {
    SteadyTime time;
    std::function<void()> work;
    bool operator>(const Entry& other) const { return time > other.time; }
  };

  void run();

  std::mutex mutex_;  // Guards the members below.
  std::condition_variable changed_;
  std::priority_queue<Entry, std::vector<Entry>, std::greater<>> entries_;
  bool stopping_ = false;
  std::thread thread_;
};

/// Counts what is under way.
class Pending {
 public:
  void add();
  void done();
  /// Waits until nothing is.
  void wait();

 private:
  std::mutex mutex_;  // Guards count_.
  std::condition_variable empty_;
  size_t count_ = 0;
};

}  // namespace runed::bench
