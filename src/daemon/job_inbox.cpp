#include "daemon/job_inbox.hpp"

#include <algorithm>
#include <utility>

namespace runed::daemon {
namespace {

constexpr std::chrono::milliseconds kShortestRetry{10};

}  // namespace

Error shutting_down_error() {
  return make_error(ErrorCode::shutting_down, "the daemon is shutting down")
      .with_hint("try again: the next call starts another daemon");
}

std::optional<Error> JobInbox::find_refusal(const PendingJob& pending) {
  const std::lock_guard lock(mutex_);
  return find_refusal_locked(pending);
}

std::optional<Error> JobInbox::find_refusal_locked(const PendingJob& pending) {
  if (closed_) return shutting_down_error();
  const size_t waiting = tokens_of(pending);
  const size_t most = pending.job.priority == Priority::interactive ? bounds_.interactive_tokens
                                                                    : bounds_.bulk_tokens;
  const size_t tokens = waiting + pending.queued_tokens;
  if (pending.job.room == Room::reserved || waiting == 0 || tokens <= most) return std::nullopt;
  meter_.call_refused();
  const auto wait = std::max<std::chrono::nanoseconds>(
      meter_.time_for(std::min(tokens - most, waiting)), kShortestRetry);
  return make_error(ErrorCode::queue_full, "the queue is full: {} tokens wait", waiting)
      .with_hint("try again in a moment")
      .with_detail(std::string(kRetryKey),
                   fmt::format("{:.3f}", std::chrono::duration<double>(wait).count()));
}

std::optional<Error> JobInbox::put(const PendingPtr& pending) {
  {
    const std::lock_guard lock(mutex_);
    if (auto refusal = find_refusal_locked(*pending)) return refusal;
    tokens_of(*pending) += pending->queued_tokens;
    ++unanswered_;
    jobs_.push_back(pending);
  }
  wake_();
  return std::nullopt;
}

std::vector<JobInbox::PendingPtr> JobInbox::take() {
  const std::lock_guard lock(mutex_);
  return std::exchange(jobs_, {});
}

bool JobInbox::is_empty() const {
  const std::lock_guard lock(mutex_);
  return jobs_.empty();
}

void JobInbox::recount(PendingJob& pending, size_t tokens) {
  tokens_of(pending) += tokens - pending.queued_tokens;
  pending.queued_tokens = tokens;
}

void JobInbox::forget() {
  const std::lock_guard lock(mutex_);
  --unanswered_;
  forgotten_.notify_all();
}

void JobInbox::close() {
  const std::lock_guard lock(mutex_);
  closed_ = true;
}

bool JobInbox::drain(std::chrono::milliseconds timeout) {
  std::unique_lock lock(mutex_);
  return forgotten_.wait_for(lock, timeout, [this] { return unanswered_ == 0; });
}

}  // namespace runed::daemon
