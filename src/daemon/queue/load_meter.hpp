#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <vector>

namespace runed::daemon {

/// What was asked of the engine since the daemon started: runed.v1.LoadStatistics.
struct LoadStatistics {
  int64_t passes = 0;
  int64_t pass_texts = 0;
  int64_t pass_tokens = 0;
  std::chrono::nanoseconds pass_time{0};
  int64_t cached_texts = 0;
  int64_t shared_texts = 0;
  int64_t refused_calls = 0;
  int64_t cancelled_calls = 0;
  double tokens_per_second = 0;           // Of the last seconds that the engine worked.
  std::vector<int64_t> wait_counts;       // Texts: bucket i waited less than 2^i us, not 2^(i-1).
  std::vector<int64_t> pass_text_counts;  // Passes: bucket i had less than 2^i texts.
};

/// Counts what the engine does, and measures how fast it is. Any thread.
class LoadMeter {
 public:
  void pass_done(size_t texts, size_t tokens, std::chrono::nanoseconds duration);
  void text_waited(std::chrono::nanoseconds duration);
  void texts_cached(size_t count) { add(&LoadStatistics::cached_texts, count); }
  void texts_shared(size_t count) { add(&LoadStatistics::shared_texts, count); }
  void call_refused() { add(&LoadStatistics::refused_calls, 1); }
  void call_cancelled() { add(&LoadStatistics::cancelled_calls, 1); }

  LoadStatistics statistics() const;

  /// Tells how long the engine takes for so many tokens, by its rate of late.
  std::chrono::nanoseconds time_for(size_t tokens) const;

 private:
  void add(int64_t LoadStatistics::*counter, size_t count);

  mutable std::mutex mutex_;  // Guards the members below.
  LoadStatistics statistics_;
  double recent_tokens_ = 0;  // Fading, as is the time that they took.
  double recent_seconds_ = 0;
};

}  // namespace runed::daemon
