#include "daemon/queue/job_count.hpp"

#include <numeric>
#include <utility>

namespace runed::daemon {

JobCount::Part::Part(JobCount& count, JobBound bound, size_t tokens)
    : count_(&count), bound_(bound) {
  const std::lock_guard lock(count.mutex_);
  ++count.jobs_;
  set_tokens(tokens);
}

JobCount::Part::Part(Part&& other) noexcept
    : count_(std::exchange(other.count_, nullptr)), bound_(other.bound_), tokens_(other.tokens_) {}

JobCount::Part& JobCount::Part::operator=(Part&& other) noexcept {
  if (this == &other) return *this;
  end();
  count_ = std::exchange(other.count_, nullptr);
  bound_ = other.bound_;
  tokens_ = other.tokens_;
  return *this;
}

void JobCount::Part::set_tokens(size_t tokens) noexcept {
  if (count_ == nullptr) return;
  count_->tokens_[static_cast<size_t>(bound_)] += tokens - tokens_;
  tokens_ = tokens;
}

void JobCount::Part::end() noexcept {
  if (count_ == nullptr) return;
  set_tokens(0);
  const std::lock_guard lock(count_->mutex_);
  --count_->jobs_;
  count_->ended_.notify_all();
  count_ = nullptr;
}

size_t JobCount::all_tokens() const {
  return std::accumulate(tokens_.begin(), tokens_.end(), size_t{0});
}

bool JobCount::wait_until_none(std::chrono::milliseconds timeout) {
  std::unique_lock lock(mutex_);
  return ended_.wait_for(lock, timeout, [this] { return jobs_ == 0; });
}

}  // namespace runed::daemon
