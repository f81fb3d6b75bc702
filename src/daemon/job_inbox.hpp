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
#include "daemon/job.hpp"
#include "daemon/load_meter.hpp"

namespace runed::daemon {

/// Where callers leave jobs for the batcher's thread, and the count of what is under way: each class
/// is bounded in tokens, apart from the other. Any thread.
class JobInbox {
 public:
  using PendingPtr = std::shared_ptr<PendingJob>;
  struct Bounds {
    size_t interactive_tokens = 1 << 18;  // Under way; past it jobs are refused: queue_full.
    size_t bulk_tokens = 1 << 20;
  };

  /// `wake` tells the batcher's thread that there is a job.
  JobInbox(Bounds bounds, LoadMeter& meter, std::function<void()> wake)
      : bounds_(bounds), meter_(meter), wake_(std::move(wake)) {}

  /// Says why a job is not taken, if so. One of any size is, when none of its class is under way.
  /// Errors: shutting_down after `close`; queue_full (details: retry_seconds, by the meter's rate).
  std::optional<Error> find_refusal(const PendingJob& pending);

  /// Takes a job with all of its queued_tokens, or says why not.
  std::optional<Error> put(const PendingPtr& pending);

  /// Hands the jobs over that were put since the last time.
  std::vector<PendingPtr> take();

  bool is_empty() const;

  /// Corrects an estimate of a job's tokens.
  void recount(PendingJob& pending, size_t tokens);

  /// Ends the account of a job: `release` before it is answered, `forget` afterwards.
  void release(const PendingJob& pending) { tokens_of(pending) -= pending.queued_tokens; }
  void forget();

  /// Takes no more jobs.
  void close();

  /// Waits until every job taken has been forgotten. Returns whether that happened in time.
  bool drain(std::chrono::milliseconds timeout);

  int64_t queue_tokens() const { return static_cast<int64_t>(tokens_[0] + tokens_[1]); }

 private:
  std::optional<Error> find_refusal_locked(const PendingJob& pending);
  std::atomic<size_t>& tokens_of(const PendingJob& pending) {
    return tokens_[static_cast<size_t>(pending.job.priority)];
  }

  const Bounds bounds_;
  LoadMeter& meter_;
  const std::function<void()> wake_;
  std::array<std::atomic<size_t>, 2> tokens_{};  // By Priority.

  mutable std::mutex mutex_;  // Guards the members below.
  std::condition_variable forgotten_;
  std::vector<PendingPtr> jobs_;
  size_t unanswered_ = 0;  // Jobs taken and not yet forgotten.
  bool closed_ = false;
};

/// What a job is refused with when the daemon ends.
Error shutting_down_error();

}  // namespace runed::daemon
