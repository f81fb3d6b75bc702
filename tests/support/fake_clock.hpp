#pragma once

#include "base/clock.hpp"

namespace runed::test {

/// A clock that stands still until it is told.
class FakeClock final : public Clock {
 public:
  SteadyTime steady_now() const override { return SteadyTime(since_start_); }
  /// 2026-01-02T03:04:05Z at first.
  SystemTime system_now() const override {
    return SystemTime(std::chrono::seconds(1'767'323'045)) +
           std::chrono::duration_cast<SystemTime::duration>(since_start_);
  }

  void advance(std::chrono::nanoseconds time) { since_start_ += time; }

 private:
  std::chrono::nanoseconds since_start_{};
};

}  // namespace runed::test
