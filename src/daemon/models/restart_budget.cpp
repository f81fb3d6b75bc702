#include "daemon/models/restart_budget.hpp"

#include <algorithm>

namespace runed::daemon {

std::chrono::nanoseconds doubled(std::chrono::nanoseconds first, size_t times,
                                 std::chrono::nanoseconds longest) {
  std::chrono::nanoseconds result = first;
  for (; times > 0 && result < longest; --times) result *= 2;
  return std::min(result, longest);
}

std::optional<std::chrono::nanoseconds> RestartBudget::charge(SteadyTime now) {
  if (is_spent(now)) return std::nullopt;
  charge_done(1, now);
  return doubled(policy_.first_wait, charges_.size() - 1, policy_.longest_wait);
}

// The window forgets single charges; the wait grows until all of them are forgiven at once.
void RestartBudget::charge_done(size_t restarts, SteadyTime now) {
  if (!charges_.empty() && now - charges_.back() >= policy_.window) charges_.clear();
  charges_.insert(charges_.end(), restarts, now);
}

void RestartBudget::refund(size_t restarts) {
  charges_.resize(charges_.size() - std::min(restarts, charges_.size()));
}

SteadyTime RestartBudget::reset_at(SteadyTime now) const {
  if (charges_.size() < policy_.restarts) return now;
  return std::max(now, charges_[charges_.size() - policy_.restarts] + policy_.window);
}

}  // namespace runed::daemon
