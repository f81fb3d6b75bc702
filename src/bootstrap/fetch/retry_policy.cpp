#include "bootstrap/fetch/retry_policy.hpp"

#include <algorithm>
#include <thread>

#include "base/duration.hpp"
#include "bootstrap/fetch/url.hpp"

namespace runed::bootstrap {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds kPollInterval{50};
constexpr int kMaxDoublings = 20;

// Returns false if it was cancelled.
bool sleep_for(milliseconds duration, const Watch& watch) {
  const Clock::time_point deadline = Clock::now() + duration;
  while (!watch.cancelled()) {
    const auto left = deadline - Clock::now();
    if (left <= Clock::duration::zero()) return true;
    std::this_thread::sleep_for(std::min<Clock::duration>(left, kPollInterval));
  }
  return false;
}

// To a tenth of a second, from there on.
milliseconds rounded(milliseconds duration) {
  constexpr milliseconds kTenth{100};
  return duration < kTenth ? duration : (duration + kTenth / 2) / kTenth * kTenth;
}

}  // namespace

// Seeded by the time, so that many machines that lost one server do not come back as one.
RetryPolicy::RetryPolicy(const DownloadPolicy& policy, const Watch& watch)
    : policy_(policy),
      watch_(watch),
      random_(static_cast<unsigned>(Clock::now().time_since_epoch().count())) {}

milliseconds RetryPolicy::next_wait() {
  const int doublings = std::min(failures_ - 1, kMaxDoublings);
  const milliseconds full = std::min(policy_.first_wait * (1 << doublings), policy_.longest_wait);
  std::uniform_int_distribution<milliseconds::rep> jitter(full.count() / 2, full.count());
  return milliseconds(jitter(random_));
}

std::optional<Failure> RetryPolicy::wait(const Failure& failure) {
  Failure last = failure;
  last.remedy = Failure::Remedy::next_url;
  if (++failures_ >= policy_.attempts) {
    last.error.message += fmt::format(" ({} attempts)", failures_);
    return last;
  }
  if (failure.retry_after > policy_.longest_retry_after) {
    last.error.message +=
        fmt::format(", and the server asks to wait for {}", format_duration(failure.retry_after));
    return last;
  }
  const milliseconds pause = std::max<milliseconds>(next_wait(), failure.retry_after);
  watch_.event(
      fmt::format("retrying in {}: {}", format_duration(rounded(pause)), failure.error.message));
  if (!sleep_for(pause, watch_)) return cancelled_failure();
  return std::nullopt;
}

Failure cancelled_failure() {
  return {make_error(ErrorCode::cancelled, "interrupted"), Failure::Remedy::give_up};
}

}  // namespace runed::bootstrap
