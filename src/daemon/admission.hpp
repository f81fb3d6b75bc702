#pragma once

#include <atomic>
#include <cstdint>

#include "base/result.hpp"
#include "daemon/state.hpp"

namespace runed::daemon {

/// The checks of an embedding call before a text is looked at, in the predecessor's order, and the
/// count of those that passed. Any thread.
class Admission {
 public:
  explicit Admission(const State& state) : state_(state) {}

  /// Checks that embedding calls are taken now.
  /// Errors: bootstrapping; shutting_down, or what made the daemon give up.
  Status check_state() const;

  /// Errors: those of check_state; no_centroid_set.
  Status admit(bool with_route);

  /// Calls admitted.
  int64_t count() const { return count_; }

 private:
  const State& state_;
  std::atomic<int64_t> count_{0};
};

}  // namespace runed::daemon
