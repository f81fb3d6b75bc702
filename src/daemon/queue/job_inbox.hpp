#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "base/error.hpp"
#include "daemon/queue/job.hpp"
#include "daemon/queue/load_meter.hpp"

namespace runed::daemon {

/// Where callers leave jobs for the scheduler's thread, and the count of what is under way: each class
/// is bounded in tokens, apart from the other. Any thread.
class JobInbox {
 public:
  using PendingPtr = std::shared_ptr<PendingJob>;
  struct Bounds {
    size_t interactive_tokens = 1 << 18;  // Under way; past it jobs are refused: queue_full.
    size_t bulk_tokens = 1 << 20;
  };

  /// `wake` tells the scheduler's thread that there is a job.
  JobInbox(Bounds bounds, LoadMeter& meter, std::function<void()> wake)
      : bounds_(bounds), meter_(meter), wake_(std::move(wake)) {}

  /// Says why a job is not taken, if so. One of any size is, when none of its class is under way.
  /// Errors: shutting_down after `close`; queue_full (details: retry_seconds, by the meter's rate).
  std::optional<Error> find_refusal(const PendingJob& pending);

  /// Takes a job with all of its queued_tokens, or says why not. It is still to be handed over.
  std::optional<Error> admit(PendingJob& pending);

  /// Puts a job that was admitted before the scheduler's thread, whose it is from then on.
  void hand_over(const PendingPtr& pending);

  /// Returns the jobs that were handed over since the last time.
  std::vector<PendingPtr> take();

  bool is_empty() const;

  /// Ends the taking: who still waits is answered with shutting_down, and so is every job that is
  /// handed over from now on.
  void abandon();

  /// Puts the number of a job's tokens, which are counted now, in place of the estimate.
  void recount(PendingJob& pending);

  /// Answers a job, once, and ends its account. None: with its embeddings.
  void answer(PendingJob& pending, std::optional<Error> error);

  /// Takes no more jobs.
  void close();

  /// Waits until every job admitted has been answered. Returns whether that happened in time.
  bool drain(std::chrono::milliseconds timeout);

  int64_t queue_tokens() const {
    return static_cast<int64_t>(tokens_[0] + tokens_[1] + reserved_tokens_);
  }

 private:
  void end_account(const PendingJob& pending);
  std::optional<Error> find_refusal_locked(const PendingJob& pending);
  std::atomic<size_t>& tokens_of(const PendingJob& pending) {
    return pending.job.room == Room::reserved ? reserved_tokens_
                                              : tokens_[static_cast<size_t>(pending.job.priority)];
  }

  const Bounds bounds_;
  LoadMeter& meter_;
  const std::function<void()> wake_;
  std::array<std::atomic<size_t>, 2> tokens_{};  // By Priority.
  std::atomic<size_t> reserved_tokens_{0};       // Of Room::reserved, who take nobody else's.

  mutable std::mutex mutex_;  // Guards the members below.
  std::condition_variable answered_;
  std::vector<PendingPtr> jobs_;
  size_t unanswered_ = 0;  // Jobs admitted and not yet answered.
  bool closed_ = false;
  bool abandoned_ = false;
};

/// What a job is refused with when the daemon ends.
Error shutting_down_error();

}  // namespace runed::daemon
