#pragma once

#include <cstdint>
#include <memory>
#include <mutex>

namespace runed::embed::native {
class ThreadPool;
}

namespace runed::daemon {

/// The threads that all native models of this process compute on, made when the first one needs them.
/// Any thread.
class ComputePool {
 public:
  std::shared_ptr<embed::native::ThreadPool> get(uint32_t threads);

 private:
  std::mutex mutex_;  // Guards pool_.
  std::shared_ptr<embed::native::ThreadPool> pool_;
};

}  // namespace runed::daemon
