#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

namespace runed::daemon {

/// One thread for what gRPC's few must not do, since every call waits for them: started when it is
/// first needed, it does one task after another. Any thread may submit.
class Worker {
 public:
  Worker() = default;
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;
  /// Does what was submitted, and ends.
  ~Worker();

  /// Takes a task. What one throws ends it and nothing else: whom it was for learns that by its end.
  void submit(std::function<void()> task);

 private:
  void run();

  std::mutex mutex_;  // Guards the members below.
  std::condition_variable wake_;
  bool stopping_ = false;
  std::deque<std::function<void()>> tasks_;
  std::thread thread_;
};

}  // namespace runed::daemon
