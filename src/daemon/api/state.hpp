#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "embed/engine.hpp"

namespace runed::daemon {

enum class Serving { loading, ok, idle, degraded, shutting_down };
enum class Phase { none, fetching_llama_server, fetching_model, starting_engine };

/// What the daemon is doing, as Health tells it.
struct StateSnapshot {
  Serving serving = Serving::loading;
  Phase phase = Phase::none;        // While loading.
  int64_t bytes_done = 0;           // Of the phase.
  int64_t bytes_total = 0;          // Of the phase; 0: unknown.
  std::string message;              // For people; may be empty.
  std::optional<ErrorCode> reason;  // When something is wrong.
  SystemTime since;                 // When `serving` began.
};

/// The one place where the daemon's state is kept. Any thread may use it.
class State {
 public:
  using Listener = std::function<void(Serving)>;

  /// `on_change` is called with the new value after each change of `serving`.
  State(const Clock& clock, Listener on_change);

  void loading(Phase phase, std::string message);
  /// Tells how far the phase is; total 0: unknown.
  void progress(uint64_t bytes_done, uint64_t bytes_total);
  /// Tells what is going on in the phase.
  void explain(std::string message);
  void ok();
  /// Tells that nothing is loaded until somebody asks for the model.
  void unloaded();
  /// Tells that the engine sleeps, and why: `after ...`.
  void idle(std::string_view why);
  void degraded(const Error& error);
  /// Final: no later call changes the state. `error` is what made the daemon give up, if anything.
  void shutting_down(const std::optional<Error>& error);

  StateSnapshot snapshot() const;

  /// Publishes what was chosen to be served. A notice is told with `ok` from then on.
  void set_variant(std::string variant, std::string notice);

  /// Publishes which built-in model answered in this home before this one.
  void set_previous_builtin(std::string name);
  std::string previous_builtin() const;
  std::string variant() const;

  /// Publishes why this engine was chosen.
  void set_engine_reason(std::string reason);
  std::string engine_reason() const;

  /// Publishes the description of the loaded model.
  void set_model(const embed::ModelInfo& model);
  /// The loaded model; null until one was loaded. Stays while idle.
  std::shared_ptr<const embed::ModelInfo> model() const;

 private:
  std::string notice() const;
  void change(StateSnapshot next);

  const Clock& clock_;
  const Listener on_change_;
  mutable std::mutex mutex_;  // Guards the members below.
  StateSnapshot snapshot_;
  std::string variant_;
  std::string notice_;
  std::string previous_builtin_;
  std::string engine_reason_;
  std::shared_ptr<const embed::ModelInfo> model_;
};

/// Tells whether an embedding call can be taken now: a suspended engine resumes by itself, and a
/// degraded one is tried again.
bool takes_requests(Serving serving);

}  // namespace runed::daemon
