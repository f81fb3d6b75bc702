#include "load_timer.hpp"

#include <utility>

namespace runed::bench {

LoadTimer::~LoadTimer() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

void LoadTimer::at(SteadyTime time, std::function<void()> work) {
  {
    const std::lock_guard lock(mutex_);
    entries_.push({time, std::move(work)});
  }
  changed_.notify_one();
}

void LoadTimer::run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    if (entries_.empty()) {
      changed_.wait(lock);
    } else if (const SteadyTime due = entries_.top().time; std::chrono::steady_clock::now() < due) {
      changed_.wait_until(lock, due);
    } else {
      const auto work = entries_.top().work;
      entries_.pop();
      lock.unlock();
      work();
      lock.lock();
    }
  }
}

void Pending::add() {
  const std::lock_guard lock(mutex_);
  ++count_;
}

// Notified under the lock: whoever waits may destroy the object as soon as it has seen zero.
void Pending::done() {
  const std::lock_guard lock(mutex_);
  if (--count_ == 0) empty_.notify_all();
}

void Pending::wait() {
  std::unique_lock lock(mutex_);
  empty_.wait(lock, [this] { return count_ == 0; });
}

}  // namespace runed::bench
