#include "daemon/fair_share.hpp"

#include <algorithm>

namespace runed::daemon {
namespace {

constexpr int kSavedPart = 3;  // A third of the other's time: a quarter of all.

}  // namespace

Priority FairShare::choose(bool interactive_waits, bool bulk_waits) {
  bulk_waits_ = bulk_waits;
  const bool is_due = bulk_waits && saved_ > bulk_pass_;
  chosen_ = interactive_waits && !is_due ? Priority::interactive : Priority::bulk;
  return chosen_;
}

// A pass that bulk has while nobody else waits is paid with what it has saved, too: it was not kept
// from anything. After any pass it has no more than another one costs: two in a row are not due.
void FairShare::spend(std::chrono::nanoseconds duration) {
  if (chosen_ == Priority::bulk) {
    bulk_pass_ = duration;
    saved_ = std::clamp(saved_ - duration, std::chrono::nanoseconds(0), duration);
  } else if (bulk_waits_) {
    saved_ += duration / kSavedPart;
  } else {
    saved_ = std::chrono::nanoseconds(0);
  }
}

}  // namespace runed::daemon
