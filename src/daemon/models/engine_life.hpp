#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/log.hpp"
#include "daemon/api/state.hpp"
#include "daemon/models/restart_budget.hpp"
#include "embed/engine.hpp"
#include "embed/request.hpp"

namespace runed::daemon {

/// Whose fault a restart is, as far as can be told when it is made.
enum class Blame {
  engine,  // Charged to the budget, and waited for.
  text,    // At once: charged when the incident is settled, unless a text was found guilty.
};

/// The restarts that one failure led to.
struct Incident {
  size_t charged = 0;
  size_t uncharged = 0;  // On a text's account.
};

/// Keeps the engine alive: starts it, starts it again within a budget when it fails, and lets it
/// sleep when nobody asks. What Health says of an engine that was loaded is said here.
/// Used by one thread, except where said otherwise.
class EngineLife {
 public:
  struct Hooks {
    /// Waits that long, or not at all for 0, while callers may leave. Returns false at once when it
    /// is time to stop.
    std::function<bool(std::chrono::nanoseconds)> pause;
    /// Tells the thread that uses it that `has_died` has turned true. Called by any thread.
    std::function<void()> wake;
    /// Gives back what is kept in memory for the engine, which is suspended or starts anew.
    std::function<void()> give_memory_back;
  };
  struct Options {
    std::chrono::nanoseconds idle_timeout{};  // 0 or negative: never suspend.
    RestartPolicy restarts{};
  };

  EngineLife(State& state, const Clock& clock, Log& log, Options options, Hooks hooks);

  /// Takes the engine and starts it for the first time, once and for all.
  /// Errors: the engine's.
  Status start(std::unique_ptr<embed::Engine> engine);

  /// Makes the engine ready for a pass: resumes it, or starts it again if it died. One that comes
  /// back with another model than was told is stopped: model_corrupt.
  /// Errors: those of `restart`.
  Status ensure_running();

  /// Starts the engine again if it died between two passes.
  /// Errors: those of `restart`.
  Status recover();

  /// Asks a running engine for nothing: tells whether it has ended, and how, or whether its model
  /// is not what it was.
  /// Errors: the engine's.
  Status check_engine();

  /// Starts the engine again that does not answer its tokenizer: it has ended, or hangs.
  /// Errors: those of `restart`.
  Status restart_silent();

  /// Starts the engine again after a failure, as often as the budget allows.
  /// Errors: engine_restarts_exhausted (details: reset_at, retry_seconds); shutting_down; those of
  ///         a model that cannot be loaded, which are not tried again here.
  Status restart(Error cause, Blame blame, Incident& incident);

  /// Ends an incident: its restarts are the engine's, or a text was found guilty of all of them.
  void settle(const Incident& incident, Blame blame);

  /// Embeds texts in one forward pass, for as long as they are wanted. Needs: a running engine.
  /// Errors: those of Engine::embed; internal for what it throws.
  Result<std::vector<Embedding>> embed(std::span<const embed::PreparedText* const> texts,
                                       const std::function<bool()>& is_wanted);

  /// Tells that somebody was served without the engine, which is in use all the same. Any thread.
  void note_use() { used_at_ = clock_.steady_now(); }

  /// Returns the time that the engine has spent in `embed`; not that of its restarts.
  std::chrono::nanoseconds embed_time() const { return embed_time_; }

  /// Needs: a running engine.
  uint32_t batch_tokens() const { return embedder_->batch_tokens(); }

  /// Tells whether a running engine has died since the last look.
  bool has_died() const { return condition_ == Condition::running && died_; }

  /// When `tick` has something to do; nothing: never.
  std::optional<SteadyTime> due() const;
  /// Does what time brings: suspends an idle engine, ends the wait for the budget.
  void tick();

  /// Stops the engine: nothing of it is left afterwards.
  void stop();

  /// Makes the start under way return soon, and the pass under way too, if the engine can. There is
  /// no way back. Any thread.
  void interrupt();
  /// The same for a start only. Any thread.
  void interrupt_start();

  /// The engine's tokenizer; null while it does not run. Any thread.
  std::shared_ptr<const embed::Tokenizer> tokenizer() const;

  /// Times the engine was started again after a fault, in vain or not. Any thread.
  int32_t restarts() const { return restarts_; }

 private:
  enum class Condition { stopped, running, exhausted };

  Status start_engine();
  Status wait_to_restart(const Error& cause, Blame blame, Incident& incident);
  Status stay_down(Error error);
  Error exhausted_error() const;
  void suspend();

  State& state_;
  const Clock& clock_;
  Log& log_;
  const Options options_;
  const Hooks hooks_;

  std::atomic<embed::Engine*> engine_{nullptr};  // embedder_, for other threads; null before.
  std::atomic<bool> died_{false};
  std::atomic<SteadyTime> used_at_{SteadyTime{}};  // By whom `note_use` tells of.
  std::atomic<bool> starting_{false};
  std::atomic<int32_t> restarts_{0};

  // The thread's own.
  Condition condition_ = Condition::stopped;
  RestartBudget budget_;
  size_t killed_in_row_ = 0;  // Without a pass completed in between.
  std::string last_cause_;    // What the budget could not pay for.
  SteadyTime last_activity_;
  std::chrono::nanoseconds embed_time_{0};
  std::unique_ptr<embed::Engine> embedder_;  // Last: it may still call `wake` as it ends.
};

}  // namespace runed::daemon
