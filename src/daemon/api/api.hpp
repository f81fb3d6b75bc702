#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/log.hpp"
#include "base/result.hpp"
#include "daemon/api/open_streams.hpp"
#include "daemon/api/state.hpp"
#include "daemon/models/model_pool.hpp"
#include "daemon/queue/worker.hpp"

namespace runed::daemon {

/// What Info tells besides the models.
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

/// What a model is.
struct ModelDescription {
  std::vector<std::string> names;  // As requests have them; the first is shown.
  bool is_default = false;
  bool is_kept = false;                     // It is loaded at the start and stays so.
  std::chrono::nanoseconds idle_timeout{};  // Until its memory is given back; 0: never.
  std::string path;                         // Of its file; empty where that is not known yet.
  uint64_t file_bytes = 0;                  // 0: not known.
  std::string variant;
  std::string previous_builtin;  // Which answered in this home before; empty: no other did.
  std::string engine_reason;
  std::shared_ptr<const embed::ModelInfo> model;  // Null: it was not loaded yet.
  std::shared_ptr<const CentroidSet> centroids;   // In force for the model; null: none.
};

/// What a model is doing.
struct ModelHealth {
  std::string name;
  StateSnapshot state;
  int64_t admitted_calls = 0;
  int32_t restarts = 0;                // Of the engine, after faults.
  int64_t queue_tokens = 0;            // Waiting or being embedded.
  std::optional<LoadStatistics> load;  // None once the daemon shuts down.
  size_t cache_bytes = 0;
  uint64_t memory_bytes = 0;  // Of the budget, held now.
  int64_t evictions = 0;      // Times it was given back for another model.
  std::optional<SystemTime> used_at;
};

/// What the daemon is and what it serves.
struct Info {
  ServiceInfo service;
  SystemTime started_at;
  ModelDescription model;  // The one that was asked for.
  std::vector<ModelDescription> models;
};

/// What the daemon is doing.
struct Health {
  std::chrono::nanoseconds uptime{};
  int64_t admitted_calls = 0;  // Of all models.
  ModelHealth model;           // The one that was asked for.
  std::vector<ModelHealth> models;
  uint64_t memory_bytes = 0;         // Held by all models.
  uint64_t memory_budget_bytes = 0;  // That they may hold.
};

/// What a reload has led to.
struct Reloaded {
  std::vector<std::string> changed;  // Settings that are in force now: `memory_budget is '1GiB'`.
  std::vector<std::string> needs_start;          // Those that only a new daemon has.
  std::vector<ServiceInfo::ConfigValue> config;  // All that are in force.
};

/// A set of centroids that was put in force.
struct InstalledCentroids {
  std::string version;
  size_t count;
};

/// A model and how it is to be had, as LoadModel takes it.
struct LoadRequest {
  std::string name;  // Or else the path of a file, which is absolute.
  std::string path;
  std::optional<std::chrono::nanoseconds> idle_timeout;  // None: as it is.
};

/// What a daemon is told by who runs it.
struct ServiceHooks {
  std::function<void(int grace_seconds)> request_stop;  // 0: the default grace.
  /// Looks at a file, without loading it, for a declaration that names it by its identity. Gives up soon
  /// after `is_ending` has turned true.
  std::function<Result<ModelDeclaration>(const std::string& path,
                                         const std::function<bool()>& is_ending)>
      look_at_file;
  std::function<Result<Reloaded>()> reload;
};

/// All that a wire may ask of the daemon, free of wires. Any thread.
class Api {
 public:
  /// All of it outlives the api.
  struct Parts {
    ModelPool& models;
    OpenStreams& streams;
    const Clock& clock;
    Log& log;
  };

  Api(const Parts& parts, ServiceInfo info, ServiceHooks hooks);

  /// Checks only that it does not end.
  /// Errors: shutting_down, or what made the daemon give up.
  Status check_open() const;

  /// An embedding call that was admitted.
  struct Admitted {
    ModelPtr model;
    std::shared_ptr<const CentroidSet> route;  // Null: none was asked for.
  };

  /// Checks that the daemon takes calls: it does not end, and, for its default model, it has begun.
  /// Errors: bootstrapping; shutting_down, or what made the daemon give up.
  Status check_state() const;

  /// Admits an embedding call for a model, after the checks that come before its texts are looked at, in
  /// the predecessor's order. The set of centroids is the one of the call then, whatever is put in force
  /// meanwhile. A model that is loaded on demand is waited for.
  /// Errors: those of ModelPool::find and check_state; no_centroid_set.
  Result<Admitted> admit(std::string_view model, bool with_route);

  /// Takes an admitted call, or one text of a stream. See Scheduler::submit.
  void embed(const ModelPtr& model, Job job) { model->scheduler().submit(std::move(job)); }

  ModelPtr default_model() const { return parts_.models.default_model(); }

  OpenStreams& streams() { return parts_.streams; }

  Serving serving() const { return default_model()->state().snapshot().serving; }
  /// Errors: those of ModelPool::find.
  Result<Info> info(std::string_view model) const;
  Result<Health> health(std::string_view model) const;

  /// Loads a model and keeps it until its time is over; tells which it is once it can embed.
  void load_model(LoadRequest request, Answer<ModelDescription> answer);

  /// Gives the memory of a model back as soon as nobody waits for it. Tells which it is.
  /// Errors: those of ModelPool::find; invalid_argument for one that is to be kept.
  Result<ModelDescription> unload_model(std::string_view model);

  /// Reads the configuration again, and brings the models to it.
  /// Errors: bad_config; then nothing has changed.
  Result<Reloaded> reload();

  /// Finds the model that a set of centroids is for.
  /// Errors: those of ModelPool::find.
  Result<ModelPtr> find_model(std::string_view model) const { return parts_.models.find(model); }
  InstalledCentroids install_centroids(const ModelPtr& model, CentroidSet set);

  /// Ends the daemon, soon after it has returned.
  void stop(int grace_seconds);

 private:
  Status check_state(const ServedModel& model) const;
  ServiceInfo service_info() const;
  ModelDescription describe(const ModelPtr& model) const;
  void load(const LoadRequest& request, Answer<ModelDescription> answer);

  const Parts parts_;
  mutable std::mutex mutex_;  // Guards info_.
  ServiceInfo info_;
  const ServiceHooks hooks_;
  const SteadyTime started_;
  const SystemTime started_at_;
  Worker loads_;  // Last: what it does needs the rest.
};

/// The dimension that a set of centroids for a model must have; none: that of any.
std::optional<uint32_t> dimension_of(const ServedModel& model);

}  // namespace runed::daemon
