#include "daemon/models/memory_budget.hpp"

#include <algorithm>
#include <utility>

namespace runed::daemon {

MemoryBudget::Part::Part(MemoryBudget& budget, std::function<void()> wake)
    : budget_(budget), wake_(std::move(wake)) {
  const std::lock_guard lock(budget_.mutex_);
  budget_.parts_.push_back(this);
}

MemoryBudget::Part::~Part() {
  release();
  const std::lock_guard lock(budget_.mutex_);
  budget_.parts_.remove(this);
}

bool MemoryBudget::Part::request(uint64_t bytes, SteadyTime now) {
  const std::lock_guard lock(budget_.mutex_);
  if (is_holder_) {
    const bool has_grown = bytes > held_bytes_;
    budget_.held_bytes_ += bytes - held_bytes_;
    held_bytes_ = bytes;
    if (has_grown) budget_.ask_for_room(0, this);
    return true;
  }
  if (ticket_ == 0) ticket_ = ++budget_.last_ticket_;
  if (budget_.find_next() != this) return false;
  if (!budget_.fits(bytes)) {
    budget_.ask_for_room(bytes, this);
    return false;
  }
  ticket_ = 0;
  is_holder_ = true;
  held_bytes_ = bytes;
  budget_.held_bytes_ += bytes;
  since_ = now;
  used_at_ = now;
  budget_.go_on();
  return true;
}

void MemoryBudget::Part::release() {
  const std::lock_guard lock(budget_.mutex_);
  ticket_ = 0;
  if (std::exchange(is_holder_, false)) budget_.held_bytes_ -= std::exchange(held_bytes_, 0);
  is_asked_ = false;
  budget_.go_on();
}

void MemoryBudget::Part::begin_shift(SteadyTime now) {
  const std::lock_guard lock(budget_.mutex_);
  since_ = now;
  used_at_ = now;
}

void MemoryBudget::Part::note_use(SteadyTime now) {
  const std::lock_guard lock(budget_.mutex_);
  used_at_ = now;
}

bool MemoryBudget::Part::is_asked_back(bool is_in_use, SteadyTime now) const {
  const std::lock_guard lock(budget_.mutex_);
  return is_asked_ && !is_kept_ && (!is_in_use || now - since_ >= kShift);
}

void MemoryBudget::Part::set_kept(bool is_kept) {
  const std::lock_guard lock(budget_.mutex_);
  is_kept_ = is_kept;
  if (is_kept) {
    is_asked_ = false;
  } else {
    budget_.ask_for_room(0, budget_.find_most_used());  // Beside it others had more than there is.
  }
  budget_.go_on();  // Who waits has to ask another one, or has nobody to wait for.
}

uint64_t MemoryBudget::Part::bytes() const {
  const std::lock_guard lock(budget_.mutex_);
  return held_bytes_;
}

void MemoryBudget::resize(uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  bytes_ = bytes;
  ask_for_room(0, find_most_used());
  go_on();
}

uint64_t MemoryBudget::bytes() const {
  const std::lock_guard lock(mutex_);
  return bytes_;
}

uint64_t MemoryBudget::held_bytes() const {
  const std::lock_guard lock(mutex_);
  return held_bytes_;
}

// With nobody left who waits, nobody is asked any more, unless models have grown past the budget.
void MemoryBudget::go_on() {
  if (Part* const next = find_next()) return next->wake_();
  if (held_bytes_ > bytes_) return;
  for (Part* part : parts_) part->is_asked_ = false;
}

bool MemoryBudget::fits(uint64_t bytes) const {
  if (held_bytes_ <= bytes_ && bytes <= bytes_ - held_bytes_) return true;
  return std::ranges::none_of(parts_,
                              [](const Part* part) { return part->is_holder_ && !part->is_kept_; });
}

// One more is asked only if what was asked for already is not enough.
void MemoryBudget::ask_for_room(uint64_t wanted, const Part* asking) {
  uint64_t left = held_bytes_;
  for (const Part* part : parts_) {
    if (part->is_asked_) left -= part->held_bytes_;
  }
  while (left + wanted > bytes_) {
    Part* const least = find_least_used(asking);
    if (least == nullptr) return;
    least->is_asked_ = true;
    left -= least->held_bytes_;
    least->wake_();
  }
}

MemoryBudget::Part* MemoryBudget::find_next() const {
  Part* next = nullptr;
  for (Part* part : parts_) {
    if (part->ticket_ != 0 && (next == nullptr || part->ticket_ < next->ticket_)) next = part;
  }
  return next;
}

const MemoryBudget::Part* MemoryBudget::find_most_used() const {
  const Part* most = nullptr;
  for (const Part* part : parts_) {
    if (part->is_holder_ && (most == nullptr || part->used_at_ > most->used_at_)) most = part;
  }
  return most;
}

MemoryBudget::Part* MemoryBudget::find_least_used(const Part* asking) const {
  Part* least = nullptr;
  for (Part* part : parts_) {
    if (part == asking || !part->is_holder_ || part->is_kept_ || part->is_asked_) continue;
    if (least == nullptr || part->used_at_ < least->used_at_) least = part;
  }
  return least;
}

}  // namespace runed::daemon
