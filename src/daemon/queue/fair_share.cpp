#include "daemon/queue/fair_share.hpp"

#include <algorithm>

namespace runed::daemon {
namespace {

constexpr int kSavedPart = 3;  // A third of the other's time: a quarter of all.

constexpr std::chrono::seconds kNowAndThen{1};
constexpr size_t kShortPass = 512;  // Tokens; or a quarter of a full one, if that is more.

}  // namespace

FairShare::FairShare() : alone_(kNowAndThen) {}

Priority FairShare::choose(bool interactive_waits, bool bulk_waits) {
  bulk_waits_ = bulk_waits;
  const bool is_due = bulk_waits && saved_ > bulk_pass_;
  chosen_ = interactive_waits && !is_due ? Priority::interactive : Priority::bulk;
  return chosen_;
}

size_t FairShare::budget(size_t most) const {
  const bool is_short = chosen_ == Priority::bulk && alone_ < kNowAndThen;
  return is_short ? std::min(most, std::max(kShortPass, most / 4)) : most;
}

// A pass that bulk has while nobody else waits is paid with what it has saved, too: it was not kept
// from anything. After any pass it has no more than another one costs: two in a row are not due.
void FairShare::spend(std::chrono::nanoseconds duration) {
  alone_ = chosen_ == Priority::bulk ? alone_ + duration : std::chrono::nanoseconds(0);
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
