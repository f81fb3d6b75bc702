#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <list>
#include <mutex>

#include "base/clock.hpp"

namespace runed::daemon {

/// Divides the memory that models may take together. Who wants some comes in turn. The one whose turn it
/// is gets what is free; where that is not enough, models are asked for theirs: first those that nobody
/// uses, the least recently used first, then those in use, which go on for a while, so that models which
/// do not fit together take turns. A model gets its memory, however large it is, once no other one could
/// give any back: one is always served. Any thread.
class MemoryBudget {
 public:
  /// How long a model in use keeps its memory, at least, while another one waits.
  static constexpr std::chrono::seconds kShift{2};

  explicit MemoryBudget(uint64_t bytes) : bytes_(bytes) {}

  /// One model's part. For one thread at a time, but for `set_kept` and `bytes`.
  class Part {
   public:
    /// `wake` is called by any thread when it is worth asking again, or when memory is asked back.
    /// Owns: nothing; the budget outlives it.
    Part(MemoryBudget& budget, std::function<void()> wake);
    Part(const Part&) = delete;
    Part& operator=(const Part&) = delete;
    ~Part();

    /// Asks for memory, and tells whether it is there: then it is the model's until `release`. Otherwise
    /// others are asked for theirs. A later call tells how much it has come to be: a model that has grown
    /// keeps what it has, and where that is more than there is, others are asked too.
    bool request(uint64_t bytes, SteadyTime now);

    /// Gives everything back, or up.
    void release();

    /// Begins the time for which the model keeps its memory while others wait: it can be used from now on.
    void begin_shift(SteadyTime now);

    /// Notes a use: the least recently used model is asked first.
    void note_use(SteadyTime now);

    /// Tells whether the memory has to be given back now. `is_in_use`: somebody waits for the model.
    bool is_asked_back(bool is_in_use, SteadyTime now) const;

    /// Keeps the model from being asked for its memory, or no longer. Any thread.
    void set_kept(bool is_kept);

    /// The bytes that it has. Any thread.
    uint64_t bytes() const;

   private:
    friend class MemoryBudget;

    MemoryBudget& budget_;
    const std::function<void()> wake_;

    // Guarded by the budget's mutex.
    uint64_t held_bytes_ = 0;
    bool is_holder_ = false;
    uint64_t ticket_ = 0;  // While it waits: its place in turn. 0: it does not.
    bool is_kept_ = false;
    bool is_asked_ = false;  // For what it holds.
    SteadyTime since_{};     // When it got what it holds, or could be used with it.
    SteadyTime used_at_{};
  };

  /// Changes how much there is. What models have beyond it they are asked for, but for the one that was
  /// used last.
  void resize(uint64_t bytes);

  uint64_t bytes() const;
  uint64_t held_bytes() const;  // By all models.

 private:
  void go_on();
  bool fits(uint64_t bytes) const;
  void ask_for_room(uint64_t wanted, const Part* asking);
  Part* find_next() const;
  const Part* find_most_used() const;
  Part* find_least_used(const Part* asking) const;

  mutable std::mutex mutex_;  // Guards all below, and the parts.
  uint64_t bytes_;
  uint64_t held_bytes_ = 0;
  std::list<Part*> parts_;
  uint64_t last_ticket_ = 0;
};

}  // namespace runed::daemon
