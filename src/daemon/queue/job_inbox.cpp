#include "daemon/queue/job_inbox.hpp"

#include <algorithm>
#include <utility>

namespace runed::daemon {
namespace {

constexpr std::chrono::milliseconds kShortestRetry{10};
constexpr std::chrono::minutes kLongestRetry{1};

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
  const size_t waiting = tokens_of(pending);
  const size_t most = pending.job.priority == Priority::interactive ? bounds_.interactive_tokens
                                                                    : bounds_.bulk_tokens;
  const size_t tokens = waiting + pending.queued_tokens;
  if (pending.job.room == Room::reserved || waiting == 0 || tokens <= most) return std::nullopt;
  meter_.call_refused();
  const auto wait = std::clamp<std::chrono::nanoseconds>(
      meter_.time_for(std::min(tokens - most, waiting)), kShortestRetry, kLongestRetry);
  return make_error(ErrorCode::queue_full, "the queue is full: {} tokens wait", waiting)
      .with_hint("try again in a moment")
      .with_detail(std::string(kRetryKey),
                   fmt::format("{:.3f}", std::chrono::duration<double>(wait).count()));
}

std::optional<Error> JobInbox::admit(PendingJob& pending) {
  const std::lock_guard lock(mutex_);
  if (auto refusal = find_refusal_locked(pending)) return refusal;
  tokens_of(pending) += pending.queued_tokens;
  ++unanswered_;
  pending.admitted = true;
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
    answer(*pending, shutting_down_error());
  }
}

void JobInbox::abandon() {
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    abandoned_ = true;
  }
  for (const auto& pending : take()) answer(*pending, shutting_down_error());
}

std::vector<JobInbox::PendingPtr> JobInbox::take() {
  const std::lock_guard lock(mutex_);
  return std::exchange(jobs_, {});
}

bool JobInbox::is_empty() const {
  const std::lock_guard lock(mutex_);
  return jobs_.empty();
}

void JobInbox::recount(PendingJob& pending) {
  size_t tokens = 0;
  for (const auto& text : pending.prepared) tokens += text.ids.size();
  if (pending.admitted) tokens_of(pending) += tokens - pending.queued_tokens;
  pending.queued_tokens = tokens;
}

// The tokens are no longer under way when the caller learns it; the job is, until it has.
void JobInbox::answer(PendingJob& pending, std::optional<Error> error) {
  if (std::exchange(pending.answered, true)) return;
  if (pending.admitted) tokens_of(pending) -= pending.queued_tokens;
  try {
    if (error.has_value()) {
      pending.job.done(*std::move(error));
    } else {
      pending.job.done(std::move(pending.embeddings));
    }
  } catch (const std::exception&) {
    end_account(pending);
    throw;
  }
  end_account(pending);
}

void JobInbox::end_account(const PendingJob& pending) {
  if (!pending.admitted) return;
  const std::lock_guard lock(mutex_);
  --unanswered_;
  answered_.notify_all();
}

void JobInbox::close() {
  const std::lock_guard lock(mutex_);
  closed_ = true;
}

bool JobInbox::drain(std::chrono::milliseconds timeout) {
  std::unique_lock lock(mutex_);
  return answered_.wait_for(lock, timeout, [this] { return unanswered_ == 0; });
}

}  // namespace runed::daemon
