#include "daemon/queue/compute_turns.hpp"

#include <algorithm>
#include <utility>

namespace runed::daemon {

ComputeTurns::Place::Place(ComputeTurns& turns, std::function<void()> wake)
    : turns_(turns), wake_(std::move(wake)) {
  const std::lock_guard lock(turns_.mutex_);
  turns_.places_.push_back(this);
}

ComputeTurns::Place::~Place() {
  end(std::chrono::nanoseconds(0));
  const std::lock_guard lock(turns_.mutex_);
  turns_.places_.remove(this);
}

// What was dealt to a model that is only now told may be of another class: an interactive text may have
// come meanwhile.
std::optional<Priority> ComputeTurns::Place::ask(bool interactive_waits, bool bulk_waits) {
  const std::lock_guard lock(turns_.mutex_);
  interactive_waits_ = interactive_waits;
  bulk_waits_ = bulk_waits;
  if (turns_.holder_ == nullptr || (turns_.holder_ == this && !turns_.has_begun_))
    turns_.deal(this);
  if (turns_.holder_ != this) return std::nullopt;
  turns_.has_begun_ = true;
  return turns_.chosen_;
}

size_t ComputeTurns::Place::budget(size_t most) const {
  const std::lock_guard lock(turns_.mutex_);
  return turns_.share_.budget(most);
}

void ComputeTurns::Place::end(std::chrono::nanoseconds duration) {
  const std::lock_guard lock(turns_.mutex_);
  interactive_waits_ = false;
  bulk_waits_ = false;
  if (turns_.holder_ != this) return;
  if (turns_.has_begun_ && duration.count() > 0) turns_.share_.spend(duration);
  auto& places = turns_.places_;
  places.splice(places.end(), places, std::ranges::find(places, this));
  turns_.holder_ = nullptr;
  turns_.deal(nullptr);
}

// Who asks at this moment is told by what `ask` returns.
void ComputeTurns::deal(const Place* asker) {
  const auto any = [this](Priority priority) {
    return std::ranges::any_of(places_,
                               [&](const Place* place) { return place->waits_for(priority); });
  };
  const bool interactive = any(Priority::interactive);
  const bool bulk = any(Priority::bulk);
  Place* const before = std::exchange(holder_, nullptr);
  has_begun_ = false;
  if (!interactive && !bulk) return;
  chosen_ = share_.choose(interactive, bulk);
  const auto next = std::ranges::find_if(
      places_, [this](const Place* place) { return place->waits_for(chosen_); });
  holder_ = *next;
  if (holder_ != before && holder_ != asker) holder_->wake_();
}

}  // namespace runed::daemon
