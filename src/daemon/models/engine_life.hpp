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

/// Whose fault it is that the engine failed, as far as can be told when it does.
enum class Fault {
  engine,  // The restart is charged to the budget, and waited for.
  text,    // The restart is made at once, and charged when the incident is settled.
};

/// The restarts that one failure led to.
struct Incident {
  size_t charged = 0;
  size_t uncharged = 0;  // On a text's account.
};

/// What the engine is for a request at a moment.
struct EngineStep {
  enum class Kind {
    ready,  // It computes.
    wait,   // It is started again at `until`; ask again then.
    down,   // Requests fail, with the reason.
  };
  Kind kind = Kind::ready;
  SteadyTime until{};
  std::optional<Error> reason{};
};

/// The life of an engine, as a machine that is asked and never waits: it is started when it is
/// needed, started again within a budget when it fails, and stopped when nobody asks for it. What
/// Health says of an engine that was loaded is said here. For one thread, except where said otherwise.
class EngineLife {
 public:
  struct Options {
    std::chrono::nanoseconds idle_timeout{};  // 0 or negative: it is never suspended.
    RestartPolicy restarts{};
    bool is_on_demand = false;  // Its first start is one like the others: who asked is told.
    std::string name{};         // Of the model, for the log.
  };

  EngineLife(State& state, const Clock& clock, Log& log, Options options);

  /// Takes the engine, once. Needs: before `next`.
  /// `wake` is called by any thread when the engine has died: `needs_care` has turned true.
  void take(std::unique_ptr<embed::Engine> engine, std::function<void()> wake);

  /// Makes the engine ready for a pass, as far as that can be done now: starts it for the first time,
  /// resumes it, or starts it again if it died. One that comes back with another model than was told
  /// is down with model_corrupt, and what another start does not heal is down until the next request.
  /// Down, of reasons of its own: engine_restarts_exhausted (details: reset_at, retry_seconds).
  EngineStep next(SteadyTime now);

  /// Tells that the engine failed in a pass; it is stopped. The restart goes on the incident's account.
  EngineStep fail(Error cause, Fault fault, Incident& incident, SteadyTime now);

  /// Tells that the engine's tokenizer does not answer: it has ended, or hangs, which `next` finds out.
  void note_silence(SteadyTime now);

  /// Ends an incident: its restarts are the engine's, or a text's if it led to them. Returns whose
  /// they are: the engine's too if it has embedded nothing since a text was last at fault.
  Fault settle(const Incident& incident, Fault fault);

  /// Embeds texts in one forward pass, for as long as they are wanted. Needs: a ready engine.
  /// Errors: those of Engine::embed; internal for what it throws.
  Result<std::vector<Embedding>> embed(std::span<const embed::PreparedText* const> texts,
                                       const std::function<bool()>& is_wanted);

  /// Asks a running engine for nothing: tells whether it has ended, and how, or whether its model
  /// is not what it was.
  /// Errors: the engine's.
  Status check_engine();

  /// Tells whether `next` has something to do though nobody asks: the engine has died, or it is on
  /// its way back, or it is to be kept and does not run.
  bool needs_care(SteadyTime now) const;

  /// When `rest` has something to do for an engine that nobody asks; none: never.
  std::optional<SteadyTime> due() const;
  /// Does what time brings to it: it is suspended, or its failures are forgiven.
  void rest(SteadyTime now);

  /// Suspends a running engine, and tells Health why: `to make room for another model`.
  void suspend(std::string_view why);

  /// Changes the time after which it is suspended. Any thread.
  void set_idle_timeout(std::chrono::nanoseconds timeout) { idle_timeout_ = timeout; }
  /// Keeps the engine running, though nobody asks for it: it is started, and started again a while
  /// after what a restart does not heal. Any thread.
  void set_kept(bool is_kept) { is_kept_ = is_kept; }
  bool is_kept() const { return is_kept_; }

  /// Returns the bytes of memory that the engine takes when it runs, about. Needs: an engine.
  uint64_t memory_bytes() const { return engine_->memory_bytes(); }
  bool computes_in_process() const { return engine_->computes_in_process(); }

  bool is_running() const { return condition_ == Condition::running; }
  /// Tells whether it was ever started.
  bool was_loaded() const { return was_loaded_; }

  /// Returns the time that the engine has spent in `embed`; not that of its restarts.
  std::chrono::nanoseconds embed_time() const { return embed_time_; }

  /// Needs: a ready engine.
  uint32_t batch_tokens() const { return engine_->batch_tokens(); }

  /// Stops the engine: nothing of it is left afterwards.
  void stop();

  /// Tells that somebody was served without the engine, which is in use all the same. Any thread.
  void note_use() { used_at_ = clock_.steady_now(); }

  /// Makes the start under way return soon, and the pass under way too, if the engine can. There is
  /// no way back. Any thread.
  void interrupt();
  /// The same for a start only; none begins from now on. Any thread.
  void interrupt_start();
  bool is_stopping() const { return stopping_; }  // Since `interrupt_start`.

  /// The engine's tokenizer; null while it does not run. Any thread.
  std::shared_ptr<const embed::Tokenizer> tokenizer() const;

  /// Times the engine was started again after a fault, in vain or not. Any thread.
  int32_t restarts() const { return restarts_; }

 private:
  enum class Condition {
    stopped,  // A request starts it.
    running,
    silent,     // It runs, and is given until `again_at_` to come to its end.
    waiting,    // It is started again at `again_at_`.
    exhausted,  // The budget is spent.
  };

  EngineStep look_after(SteadyTime now);
  EngineStep listen(SteadyTime now);
  EngineStep start(SteadyTime now);
  Status start_engine();
  Status tell_started();
  EngineStep fail_first_start(Error cause, SteadyTime now);
  std::optional<std::chrono::nanoseconds> time_to_restart(const Error& cause, Fault fault,
                                                          Incident& incident, SteadyTime now);
  EngineStep wait_for_restart(std::chrono::nanoseconds wait, SteadyTime now);
  EngineStep stay_down(Error error);
  Error exhausted_error(SteadyTime now) const;

  State& state_;
  const Clock& clock_;
  Log& log_;
  const Options options_;

  std::atomic<embed::Engine*> shared_engine_{nullptr};  // engine_, for other threads.
  std::atomic<bool> died_{false};                       // Since the last look.
  std::atomic<std::chrono::nanoseconds> idle_timeout_;
  std::atomic<bool> is_kept_{false};
  std::atomic<SteadyTime> used_at_{SteadyTime{}};       // By whom `note_use` tells of.
  std::atomic<bool> starting_{false};
  std::atomic<bool> stopping_{false};
  std::atomic<int32_t> restarts_{0};

  Condition condition_ = Condition::stopped;
  bool was_loaded_ = false;
  SteadyTime again_at_;
  SteadyTime kept_again_at_{};  // When one that is kept is tried again.
  std::string cause_;  // Of the failure before, in words.
  RestartBudget budget_;
  size_t killed_in_row_ = 0;        // Without a pass completed in between.
  bool has_embedded_since_ = true;  // Since a text was last at fault.
  SteadyTime last_activity_;
  std::chrono::nanoseconds embed_time_{0};
  std::unique_ptr<embed::Engine> engine_;  // Last: it may still tell of its death as it ends.
};

}  // namespace runed::daemon
