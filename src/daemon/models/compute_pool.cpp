#include "daemon/models/compute_pool.hpp"

#include "embed/native/run/thread_pool.hpp"

namespace runed::daemon {

std::shared_ptr<embed::native::ThreadPool> ComputePool::get(uint32_t threads) {
  const std::lock_guard lock(mutex_);
  if (pool_ == nullptr) pool_ = std::make_shared<embed::native::ThreadPool>(threads);
  return pool_;
}

}  // namespace runed::daemon
