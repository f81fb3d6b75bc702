#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/log.hpp"
#include "base/result.hpp"
#include "daemon/api/open_streams.hpp"
#include "daemon/api/state.hpp"
#include "daemon/models/scheduler.hpp"
#include "daemon/route/centroids.hpp"

namespace runed::daemon {

/// What Info tells besides the model.
struct ServiceInfo {
  struct ConfigValue {
    std::string key;
    std::string value;
    std::string origin;
  };
  std::string daemon_version;
  std::vector<ConfigValue> config;
  std::vector<std::string> inherited;  // As of Detached.
};

/// What the daemon is and what it serves.
struct Info {
  const ServiceInfo& service;
  SystemTime started_at;
  std::string variant;
  std::string engine_reason;
  std::shared_ptr<const embed::ModelInfo> model;  // Null: none was loaded yet.
  std::shared_ptr<const CentroidSet> centroids;   // In force for the model; null: none.
};

/// What the daemon is doing.
struct Health {
  StateSnapshot state;
  std::chrono::nanoseconds uptime;
  int64_t admitted_calls;
  int32_t restarts;                    // Of the engine, after faults.
  int64_t queue_tokens;                // Waiting or being embedded.
  std::optional<LoadStatistics> load;  // None once it shuts down.
  size_t cache_bytes;
};

/// A set of centroids that was put in force.
struct InstalledCentroids {
  std::string version;
  size_t count;
};

/// All that a wire may ask of the daemon, free of wires. Any thread.
class Api {
 public:
  /// All of it outlives the api.
  struct Parts {
    State& state;
    Scheduler& scheduler;
    OpenStreams& streams;
    Centroids& centroids;
    const Clock& clock;
    Log& log;
  };

  /// `request_stop` is called with the grace that a caller asks for, in seconds; 0: the default.
  Api(const Parts& parts, ServiceInfo info, std::function<void(int)> request_stop);

  /// Checks that embedding calls are taken now.
  /// Errors: bootstrapping; shutting_down, or what made the daemon give up.
  Status check_state() const;

  /// Admits an embedding call, after the checks that come before its texts are looked at, in the
  /// predecessor's order. The set of centroids is null unless a route is asked for; it is the one of
  /// the call then, whatever is put in force meanwhile.
  /// Errors: those of check_state; no_centroid_set.
  Result<std::shared_ptr<const CentroidSet>> admit(bool with_route);

  /// The floats of the loaded model's vectors. Needs: an admitted call.
  uint32_t dimension() const;

  /// Takes an admitted call, or one text of a stream. See Scheduler::submit.
  void embed(Job job) { parts_.scheduler.submit(std::move(job)); }

  /// Returns a number for Job::flow that no other caller has.
  uint64_t new_flow() { return parts_.scheduler.new_flow(); }

  OpenStreams& streams() { return parts_.streams; }

  Info info() const;
  Health health() const;

  /// The dimension that a set of centroids must have; none: that of any model.
  std::optional<uint32_t> centroid_dimension() const;
  InstalledCentroids install_centroids(CentroidSet set);

  /// Ends the daemon, soon after it has returned.
  void stop(int grace_seconds);

 private:
  const Parts parts_;
  const ServiceInfo info_;
  const std::function<void(int)> request_stop_;
  const SteadyTime started_;
  const SystemTime started_at_;
  std::atomic<int64_t> admitted_calls_{0};
};

}  // namespace runed::daemon
