#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <optional>

#include "base/clock.hpp"

namespace runed::daemon {

/// How often, and how soon, an engine that fails is started again.
struct RestartPolicy {
  size_t restarts = 3;                                         // Charged ones within `window`.
  std::chrono::nanoseconds window = std::chrono::minutes(10);  // So long without one forgives all.
  std::chrono::nanoseconds first_wait = std::chrono::seconds(1);  // Doubled for each not forgiven.
  std::chrono::nanoseconds longest_wait = std::chrono::seconds(30);
  // After somebody else ended the engine, which is not charged: doubled until a pass is completed.
  std::chrono::nanoseconds first_pause = std::chrono::milliseconds(100);
  std::chrono::nanoseconds longest_pause = std::chrono::seconds(1);
};

/// Returns `first` doubled `times` times, at most `longest`.
std::chrono::nanoseconds doubled(std::chrono::nanoseconds first, size_t times,
                                 std::chrono::nanoseconds longest);

/// Counts the restarts that are charged to the engine, in a window that slides.
class RestartBudget {
 public:
  /// Needs: policy.restarts > 0.
  explicit RestartBudget(RestartPolicy policy) : policy_(policy) {}

  /// Charges a restart. Returns how long to wait before it, or nothing when the budget is spent.
  std::optional<std::chrono::nanoseconds> charge(SteadyTime now);

  /// Charges restarts that were done already, whatever is left.
  void charge_done(size_t restarts, SteadyTime now);

  /// Takes back the last charges.
  void refund(size_t restarts);

  bool is_spent(SteadyTime now) const { return reset_at(now) > now; }

  /// Returns when the next restart can be had: `now`, or later when the budget is spent.
  SteadyTime reset_at(SteadyTime now) const;

 private:
  const RestartPolicy policy_;
  std::deque<SteadyTime> charges_;  // Not yet forgiven, the oldest first.
};

}  // namespace runed::daemon
