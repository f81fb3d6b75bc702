#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "base/result.hpp"
#include "daemon/api/state.hpp"
#include "daemon/route/centroids.hpp"

namespace runed::daemon {

/// The checks of an embedding call before a text is looked at, in the predecessor's order, and the
/// count of those that passed. Any thread.
class Admission {
 public:
  Admission(const State& state, const Centroids& centroids)
      : state_(state), centroids_(centroids) {}

  /// Checks that embedding calls are taken now.
  /// Errors: bootstrapping; shutting_down, or what made the daemon give up.
  Status check_state() const;

  /// Admits a call. The set of centroids is null unless a route is asked for; it is the one of the
  /// call then, whatever is put in force meanwhile.
  /// Errors: those of check_state; no_centroid_set.
  Result<std::shared_ptr<const CentroidSet>> admit(bool with_route);

  /// Calls admitted.
  int64_t count() const { return count_; }

 private:
  const State& state_;
  const Centroids& centroids_;
  std::atomic<int64_t> count_{0};
};

}  // namespace runed::daemon
