#pragma once

#include <chrono>
#include <cstddef>

#include "daemon/queue/job.hpp"

namespace runed::daemon {

/// Divides the engine's time between the two classes when both have texts waiting: interactive
/// goes first, and bulk saves up a third of the time that it waits through, until it can pay for a
/// pass. So bulk has a quarter of the time at the least, and whoever waits for an interactive text
/// waits for at most one bulk pass.
class FairShare {
 public:
  FairShare();

  /// Chooses the class of the next pass. Needs: one of them waits.
  Priority choose(bool interactive_waits, bool bulk_waits);

  /// Returns the tokens that the pass chosen last may have, of at most `most`. Those of bulk are short
  /// while interactive texts come now and then: the next one waits for less, and an engine is as fast
  /// with passes of a few hundred tokens, or nearly.
  size_t budget(size_t most) const;

  /// Tells how long the pass took that was chosen last.
  void spend(std::chrono::nanoseconds duration);

 private:
  Priority chosen_ = Priority::interactive;
  bool bulk_waits_ = false;
  std::chrono::nanoseconds alone_;         // What bulk has had since the last interactive pass.
  std::chrono::nanoseconds saved_{0};      // By bulk.
  std::chrono::nanoseconds bulk_pass_{0};  // What the last one took.
};

}  // namespace runed::daemon
