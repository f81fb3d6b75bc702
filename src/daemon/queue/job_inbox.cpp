#include "daemon/queue/job_inbox.hpp"

#include <algorithm>
#include <utility>

namespace runed::daemon {
namespace {

constexpr std::chrono::milliseconds kShortestRetry{10};
constexpr std::chrono::minutes kLongestRetry{1};

JobBound bound_of(const Job& job) {
  if (job.is_bounded_by_caller) return JobBound::caller;
  return job.priority == Priority::interactive ? JobBound::interactive : JobBound::bulk;
}

}  // namespace

Error shutting_down_error() {
  return make_error(ErrorCode::shutting_down, "the daemon is shutting down")
      .with_hint("try again with the next daemon: any 'runed embed' starts one");
}

std::optional<Error> JobInbox::find_refusal(const PendingJob& pending) {
  const std::lock_guard lock(mutex_);
  return find_refusal_locked(pending);
}

std::optional<Error> JobInbox::find_refusal_locked(const PendingJob& pending) {
  if (closed_) return shutting_down_error();
  const JobBound bound = bound_of(pending.job);
  const size_t waiting = count_.tokens(bound);
  const size_t most =
      bound == JobBound::interactive ? bounds_.interactive_tokens : bounds_.bulk_tokens;
  const size_t tokens = waiting + pending.queued_tokens;
  if (bound == JobBound::caller || waiting == 0 || tokens <= most) return std::nullopt;
  meter_.call_refused();
  const auto wait = std::clamp<std::chrono::nanoseconds>(
      meter_.time_for(std::min(tokens - most, waiting)), kShortestRetry, kLongestRetry);
  return make_error(ErrorCode::queue_full, "the queue is full: {} tokens wait", waiting)
      .with_hint("try again in a moment")
      .with(fact::kRetryAfter, wait);
}

std::optional<Error> JobInbox::admit(PendingJob& pending) {
  const std::lock_guard lock(mutex_);
  if (auto refusal = find_refusal_locked(pending)) return refusal;
  pending.part = count_.add(bound_of(pending.job), pending.queued_tokens);
  return std::nullopt;
}

void JobInbox::hand_over(const PendingPtr& pending) {
  bool is_taken = false;
  {
    const std::lock_guard lock(mutex_);
    is_taken = !abandoned_;
    if (is_taken) jobs_.push_back(pending);
  }
  if (is_taken) {
    wake_();
  } else {
    pending->answer(shutting_down_error());
  }
}

void JobInbox::abandon() {
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    abandoned_ = true;
  }
  for (const auto& pending : take()) pending->answer(shutting_down_error());
}

std::vector<JobInbox::PendingPtr> JobInbox::take() {
  const std::lock_guard lock(mutex_);
  return std::exchange(jobs_, {});
}

void JobInbox::close() {
  const std::lock_guard lock(mutex_);
  closed_ = true;
}

}  // namespace runed::daemon
