#pragma once

#include <chrono>
#include <functional>
#include <list>
#include <mutex>
#include <optional>

#include "daemon/queue/fair_share.hpp"
#include "daemon/queue/job.hpp"

namespace runed::daemon {

/// Deals forward passes to the models that compute on the same threads, one at a time: first by class,
/// as FairShare has it for all of them together, then to those that have texts of the class in turn.
/// Any thread.
class ComputeTurns {
 public:
  /// One model's place among them. For one thread at a time.
  class Place {
   public:
    /// `wake` is called by any thread when it is the model's turn.
    /// Owns: nothing; the turns outlive it.
    Place(ComputeTurns& turns, std::function<void()> wake);
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;
    ~Place();

    /// Asks for a pass, where texts of these classes wait. Returns the class that it may have, from then
    /// on until `end`; none: `wake` is called when it is worth asking again.
    /// Needs: one of them waits.
    std::optional<Priority> ask(bool interactive_waits, bool bulk_waits);

    /// Returns the tokens that the pass may have, of at most `most`. Needs: a pass.
    size_t budget(size_t most) const;

    /// Ends the pass, if there was one, which took so long; nothing is asked for any more.
    void end(std::chrono::nanoseconds duration);

   private:
    friend class ComputeTurns;

    bool waits_for(Priority priority) const {
      return priority == Priority::interactive ? interactive_waits_ : bulk_waits_;
    }

    ComputeTurns& turns_;
    const std::function<void()> wake_;

    // Guarded by the mutex of the turns.
    bool interactive_waits_ = false;
    bool bulk_waits_ = false;
  };

 private:
  void deal(const Place* asker);

  mutable std::mutex mutex_;  // Guards all below, and the places.
  FairShare share_;
  std::list<Place*> places_;  // In turn.
  Place* holder_ = nullptr;   // Who computes, or is about to.
  bool has_begun_ = false;    // It has been told.
  Priority chosen_ = Priority::bulk;
};

}  // namespace runed::daemon
