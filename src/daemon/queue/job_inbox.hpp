#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "base/error.hpp"
#include "daemon/queue/job.hpp"
#include "daemon/queue/job_count.hpp"
#include "daemon/queue/load_meter.hpp"

namespace runed::daemon {

/// Where callers leave jobs for the scheduler's loop. Each class is bounded in the tokens that are
/// under way, apart from the other. Any thread.
class JobInbox {
 public:
  using PendingPtr = std::shared_ptr<PendingJob>;
  struct Bounds {
    size_t interactive_tokens = 1 << 18;  // Under way; past it jobs are refused: queue_full.
    size_t bulk_tokens = 1 << 20;
  };

  /// `wake` tells the scheduler's loop that there is a job.
  JobInbox(Bounds bounds, LoadMeter& meter, std::function<void()> wake)
      : bounds_(bounds), meter_(meter), wake_(std::move(wake)) {}

  /// Says why a job is not taken, if so. One of any size is, when none of its class is under way.
  /// Errors: shutting_down after `close`; queue_full (details: retry_seconds, by the meter's rate).
  std::optional<Error> find_refusal(const PendingJob& pending);

  /// Counts a job with its queued_tokens as under way, or says why not. It is still to be handed over.
  std::optional<Error> admit(PendingJob& pending);

  /// Gives a job to the scheduler's loop. After `abandon` it is answered with shutting_down.
  void hand_over(const PendingPtr& pending);

  /// Returns the jobs that were handed over since the last time.
  std::vector<PendingPtr> take();

  /// Ends the taking: who still waits is answered with shutting_down, and so is every job that is
  /// handed over from now on.
  void abandon();

  /// Takes no more jobs.
  void close();

  /// Waits until every job admitted has been answered. Returns whether that happened in time.
  bool drain(std::chrono::milliseconds timeout) { return count_.wait_until_none(timeout); }

  /// Returns the tokens under way.
  int64_t queue_tokens() const { return static_cast<int64_t>(count_.all_tokens()); }

 private:
  std::optional<Error> find_refusal_locked(const PendingJob& pending);

  const Bounds bounds_;
  LoadMeter& meter_;
  const std::function<void()> wake_;
  JobCount count_;

  mutable std::mutex mutex_;  // Guards the members below.
  std::vector<PendingPtr> jobs_;
  bool closed_ = false;
  bool abandoned_ = false;
};

/// What a job is refused with when the daemon ends.
Error shutting_down_error();

}  // namespace runed::daemon
