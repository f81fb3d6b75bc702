#include "embed/native/run/thread_pool.hpp"

#include <system_error>
#include <utility>

#include "base/check.hpp"

namespace runed::embed::native {
namespace {

// The fields of the state word.
constexpr uint64_t kInside = 0xFFFF;      // Number of workers in the job.
constexpr uint64_t kOpen = 1 << 16;       // Whether workers may enter.
constexpr uint64_t kOneJob = 1ULL << 32;  // The count of jobs is above.

// Some 50 microseconds: longer than the pause between two jobs of a forward pass, and short enough
// to cost nothing when a batch is done.
constexpr int kSpins = 1000;

constexpr std::chrono::milliseconds kLookInterval{5};
constexpr uint32_t kUnitsALook =
    4;  // A unit of a small model is not much more than asking the time.

uint64_t job_number(uint64_t state) {
  return state / kOneJob;
}

void pause_briefly() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#else
  std::this_thread::yield();
#endif
}

}  // namespace

ThreadPool::ThreadPool(uint32_t threads) {
  CHECK(threads >= 1 && threads <= kMostThreads);
  for (uint32_t thread = 1; thread < threads; ++thread) {
    try {
      workers_.emplace_back([this, thread] { work_until_stopped(thread); });
    } catch (const std::system_error&) {
      return;  // The machine has no more threads to give: fewer do the same work.
    }
  }
}

ThreadPool::~ThreadPool() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  job_opened_.notify_all();
  for (std::thread& worker : workers_) worker.join();
}

ThreadPool::Lookout::Lookout(ThreadPool& pool, std::function<bool()> is_wanted)
    : pool_(pool),
      is_wanted_(std::move(is_wanted)),
      next_look_(std::chrono::steady_clock::now() + kLookInterval) {
  CHECK(pool_.lookout_ == nullptr);
  pool_.lookout_ = this;
}

ThreadPool::Lookout::~Lookout() {
  pool_.lookout_ = nullptr;
  pool_.given_up_ = false;
}

void ThreadPool::Lookout::look() {
  if (++looks_ % kUnitsALook != 0) return;
  const SteadyTime now = std::chrono::steady_clock::now();
  if (now < next_look_) return;
  next_look_ = now + kLookInterval;
  if (!is_wanted_()) pool_.given_up_ = true;
}

void ThreadPool::run_job(const Job& job) {
  job_ = job;
  next_unit_ = 0;
  if (job.units > 1 && !workers_.empty()) {
    {
      // Under the lock, so that no worker can miss it between its check and its sleep.
      const std::lock_guard lock(mutex_);
      state_ += kOneJob | kOpen;
    }
    job_opened_.notify_all();
    take_units(0);
    state_ &= ~kOpen;
    wait_until_empty();
  } else {
    take_units(0);
  }
}

void ThreadPool::take_units(uint32_t thread) {
  for (size_t unit = next_unit_++; unit < job_.units; unit = next_unit_++) {
    if (thread == 0 && lookout_ != nullptr) lookout_->look();
    if (given_up_) return;
    job_.call(job_.callable, unit, thread);
  }
}

void ThreadPool::work_until_stopped(uint32_t thread) {
  uint64_t seen = 0;
  while (true) {
    uint64_t state = wait_for_job_after(seen);
    if (stopping_) return;
    seen = job_number(state);
    // Entering fails only because others enter and leave, or because the job has been closed.
    while ((state & kOpen) != 0 && !state_.compare_exchange_weak(state, state + 1)) {
    }
    if ((state & kOpen) == 0) continue;
    take_units(thread);
    const uint64_t left = --state_;
    if ((left & (kInside | kOpen)) == 0) {
      const std::lock_guard lock(mutex_);
      job_emptied_.notify_one();
    }
  }
}

// Returns the state in which there is a job past `seen`, or any state when the pool is stopping.
uint64_t ThreadPool::wait_for_job_after(uint64_t seen) {
  for (int spin = 0; spin < kSpins; ++spin) {
    const uint64_t state = state_;
    if (job_number(state) != seen || stopping_) return state;
    pause_briefly();
  }
  std::unique_lock lock(mutex_);
  job_opened_.wait(lock, [&] { return job_number(state_) != seen || stopping_; });
  return state_;
}

void ThreadPool::wait_until_empty() {
  for (int spin = 0; spin < kSpins; ++spin) {
    if ((state_ & kInside) == 0) return;
    pause_briefly();
  }
  std::unique_lock lock(mutex_);
  job_emptied_.wait(lock, [&] { return (state_ & kInside) == 0; });
}

}  // namespace runed::embed::native
