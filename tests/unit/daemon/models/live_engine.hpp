#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "daemon/models/engine_life.hpp"
#include "scripted_engine.hpp"
#include "support/fake_clock.hpp"
#include "support/result_matchers.hpp"

namespace runed::test {

/// The life of a scripted engine that has started, on a clock that only its waits move.
struct LiveEngine {
  explicit LiveEngine(std::chrono::nanoseconds idle_timeout = {},
                      const std::function<void(ScriptedEngine::Script&)>& prepare = {})
      : script(prepare), life(state, clock, log, {.idle_timeout = idle_timeout}) {
    life.take(std::make_unique<ScriptedEngine>(script), [this] { ++wakes; });
    first_start = ensure_ready();
  }

  /// Waits as the engine asks for, until it is ready or down.
  Status follow(daemon::EngineStep step) {
    while (step.kind == daemon::EngineStep::Kind::wait) {
      if (const auto wait = step.until - clock.steady_now(); wait.count() > 0) {
        waits.push_back(wait);
        told.push_back(state.snapshot());
        clock.advance(wait);
        if (on_wait) on_wait();
      }
      step = life.next(clock.steady_now());
    }
    if (step.kind == daemon::EngineStep::Kind::down) return *step.reason;
    return {};
  }

  Status ensure_ready() { return follow(life.next(clock.steady_now())); }

  /// What is done for an engine that nobody asks.
  Status care() { return life.needs_care(clock.steady_now()) ? ensure_ready() : Status(); }
  void rest() { life.rest(clock.steady_now()); }

  Status restart(const Error& cause, daemon::Fault fault, daemon::Incident& incident) {
    return follow(life.fail(cause, fault, incident, clock.steady_now()));
  }
  Status restart(const Error& cause) {
    daemon::Incident incident;
    return restart(cause, daemon::Fault::engine, incident);
  }
  Status restart_silent() {
    life.note_silence(clock.steady_now());
    return ensure_ready();
  }

  void fail_starts(size_t times, const Error& error) {
    for (; times > 0; --times) script.next_starts.emplace_back(error);
  }

  FakeClock clock;
  Log log{Log::Format::json, clock};
  daemon::State state{clock, {}};
  ScriptedEngine::Script script;
  std::vector<std::chrono::nanoseconds> waits;
  std::vector<daemon::StateSnapshot> told;  // As each wait began.
  std::function<void()> on_wait;
  int wakes = 0;
  daemon::EngineLife life;
  Status first_start;
};

inline Error died(const std::string& message = "the engine died") {
  return {ErrorCode::engine_died, message, {}, {}};
}

inline Error killed() {
  return {ErrorCode::engine_killed, "the engine was killed", {}, {}};
}

}  // namespace runed::test
