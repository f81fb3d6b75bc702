#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/log.hpp"
#include "daemon/api/state.hpp"
#include "daemon/models/model_declaration.hpp"
#include "daemon/models/model_host.hpp"
#include "daemon/models/scheduler.hpp"
#include "daemon/route/centroids.hpp"

namespace runed::daemon {

/// One model that requests can name: what is told of it, the set of centroids for its vectors, and, from
/// the first request on, the host that computes them. Any thread.
class ServedModel {
 public:
  /// What all models of a daemon have in common. It outlives them.
  struct Parts {
    Scheduler::Shared shared;
    const Clock& clock;
    Log& log;
    const std::atomic<std::chrono::nanoseconds>& idle_timeout;  // Where nothing else is declared.
    Scheduler::Options scheduler{};                             // But for what is declared.
  };
  /// Of a model that is the daemon's own, and made at once: told when it cannot be had.
  using OnLoadFailed = std::function<void(const Error&)>;

  /// `on_load_failed` is empty for a model that is loaded on demand.
  ServedModel(ModelDeclaration declaration, const Parts& parts, State::Listener on_change,
              std::string centroids_path, OnLoadFailed on_load_failed = {});

  /// Sets what makes the engine. Before the first use of the host.
  void set_source(EngineSource source) { source_ = std::move(source); }

  ModelDeclaration declaration() const;

  /// Tells whether this is one of its names in full, or its identity once it was loaded.
  bool is_called(std::string_view name) const;

  /// Takes what a later declaration of the same model says.
  void declare(ModelDeclaration declaration);

  /// How long it keeps its memory unused; 0: for ever. What a caller has asked for counts, until the
  /// daemon ends, else what is declared of it, else what is of all.
  std::chrono::nanoseconds idle_timeout() const;
  void ask_for_idle_timeout(std::chrono::nanoseconds timeout);

  /// Takes it anew from where it is kept.
  void refresh_idle_timeout();

  State& state() { return state_; }
  const State& state() const { return state_; }
  Centroids& centroids();

  /// Tells whether it is loaded when it is first asked for, not when the daemon starts.
  bool is_on_demand() const { return !on_load_failed_; }

  /// The scheduler that takes its calls. Makes the host, unless there is one.
  Scheduler& scheduler();

  /// The host; null if nobody has needed it yet.
  ModelHost* host() const;

  /// The size of its file; 0: not known. Once the model was loaded it stays.
  uint64_t file_bytes() const;

  /// Takes no more calls, and tells why. A host that is made all the same ends at once.
  void close(const std::optional<Error>& error);

  /// Counts a call that was admitted.
  void count_call();
  int64_t admitted_calls() const { return admitted_calls_; }
  std::optional<SystemTime> used_at() const;  // The last call.

 private:
  std::chrono::nanoseconds idle_timeout_locked() const;
  void apply_locked(Scheduler& scheduler) const;

  const Parts parts_;
  const OnLoadFailed on_load_failed_;
  EngineSource source_;
  State state_;
  std::atomic<int64_t> admitted_calls_{0};
  std::atomic<int64_t> used_at_ms_{0};  // Since 1970.
  mutable std::atomic<uint64_t> file_bytes_{0};

  mutable std::mutex mutex_;  // Guards the members below.
  ModelDeclaration declaration_;
  std::optional<std::chrono::nanoseconds> asked_idle_timeout_;
  Centroids centroids_;
  bool has_centroids_ = false;       // Its file was looked at.
  bool is_closed_ = false;
  std::unique_ptr<ModelHost> host_;  // Last: it uses the rest.
};

}  // namespace runed::daemon
