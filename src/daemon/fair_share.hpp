#pragma once

#include <chrono>

#include "daemon/job.hpp"

namespace runed::daemon {

/// Divides the engine's time between the two classes when both have texts waiting: interactive
/// goes first, and bulk saves up a third of the time that it waits through, until it can pay for a
/// pass. So bulk has a quarter of the time at the least, and whoever waits for an interactive text
/// waits for at most one bulk pass.
class FairShare {
 public:
  /// Chooses the class of the next pass. Needs: one of them waits.
  Priority choose(bool interactive_waits, bool bulk_waits);

  /// Tells how long the pass took that was chosen last.
  void spend(std::chrono::nanoseconds duration);

 private:
  Priority chosen_ = Priority::interactive;
  bool bulk_waits_ = false;
  std::chrono::nanoseconds saved_{0};      // By bulk.
  std::chrono::nanoseconds bulk_pass_{0};  // What the last one took.
};

}  // namespace runed::daemon
