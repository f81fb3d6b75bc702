#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <mutex>

namespace runed::daemon {

/// What bounds a job: its class, or its caller, who holds back what he has under way by himself.
enum class JobBound { interactive, bulk, caller };

/// Counts the jobs under way, and their tokens by what bounds them. Any thread.
class JobCount {
 public:
  /// One job's part of the count, from `add` until it is gone. For one thread at a time.
  class Part {
   public:
    Part() = default;
    Part(JobCount& count, JobBound bound, size_t tokens);
    Part(Part&& other) noexcept;
    Part& operator=(Part&& other) noexcept;
    ~Part() { end(); }

    /// Puts another number in place of the job's tokens. Nothing happens to a job that was not added.
    void set_tokens(size_t tokens) noexcept;

   private:
    void end() noexcept;

    JobCount* count_ = nullptr;
    JobBound bound_ = JobBound::bulk;
    size_t tokens_ = 0;
  };

  Part add(JobBound bound, size_t tokens) { return {*this, bound, tokens}; }

  size_t tokens(JobBound bound) const { return tokens_[static_cast<size_t>(bound)]; }
  size_t all_tokens() const;

  /// Waits until no job is under way. Returns whether that happened in time.
  bool wait_until_none(std::chrono::milliseconds timeout);

 private:
  std::array<std::atomic<size_t>, 3> tokens_{};  // By JobBound.

  std::mutex mutex_;  // Guards the members below.
  std::condition_variable ended_;
  size_t jobs_ = 0;
};

}  // namespace runed::daemon
