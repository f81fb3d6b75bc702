#include "daemon/queue/load_meter.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

namespace runed::daemon {
namespace {

constexpr double kMemorySeconds = 10;  // Of work: what is older counts for less than a third.
constexpr std::chrono::seconds kUnknownTime{1};  // Before the first pass.

void count(std::vector<int64_t>& buckets, uint64_t value) {
  const auto bucket = static_cast<size_t>(std::bit_width(value));
  if (buckets.size() <= bucket) buckets.resize(bucket + 1);
  ++buckets[bucket];
}

}  // namespace

void LoadMeter::pass_done(size_t texts, size_t tokens, std::chrono::nanoseconds duration) {
  const double seconds = std::chrono::duration<double>(duration).count();
  const std::lock_guard lock(mutex_);
  ++statistics_.passes;
  statistics_.pass_texts += static_cast<int64_t>(texts);
  statistics_.pass_tokens += static_cast<int64_t>(tokens);
  statistics_.pass_time += duration;
  count(statistics_.pass_text_counts, texts);
  const double kept = std::exp(-seconds / kMemorySeconds);
  recent_tokens_ = recent_tokens_ * kept + static_cast<double>(tokens);
  recent_seconds_ = recent_seconds_ * kept + seconds;
  if (recent_seconds_ > 0) statistics_.tokens_per_second = recent_tokens_ / recent_seconds_;
}

void LoadMeter::text_waited(std::chrono::nanoseconds duration) {
  const auto us = std::chrono::duration_cast<std::chrono::microseconds>(duration).count();
  const std::lock_guard lock(mutex_);
  count(statistics_.wait_counts, static_cast<uint64_t>(std::max<int64_t>(us, 0)));
}

LoadStatistics LoadMeter::statistics() const {
  const std::lock_guard lock(mutex_);
  return statistics_;
}

std::chrono::nanoseconds LoadMeter::time_for(size_t tokens) const {
  const std::lock_guard lock(mutex_);
  if (statistics_.tokens_per_second <= 0) return kUnknownTime;
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
      std::chrono::duration<double>(static_cast<double>(tokens) / statistics_.tokens_per_second));
}

void LoadMeter::add(int64_t LoadStatistics::*counter, size_t count) {
  const std::lock_guard lock(mutex_);
  statistics_.*counter += static_cast<int64_t>(count);
}

}  // namespace runed::daemon
