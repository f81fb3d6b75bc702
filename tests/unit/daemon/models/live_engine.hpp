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

/// An EngineLife whose engine has started, on a clock that only its waits move.
struct Supervised {
  explicit Supervised(std::chrono::nanoseconds idle_timeout = {})
      : engine_life(state, clock, log, {.idle_timeout = idle_timeout},
                    {.pause = [this](auto duration) { return pause(duration); },
                     .wake = [this] { ++wakes; },
                     .give_memory_back = [] {}}) {
    unwrap(engine_life.start(std::make_unique<ScriptedEngine>(script)));
  }

  bool pause(std::chrono::nanoseconds duration) {
    if (duration.count() > 0) {
      waits.push_back(duration);
      told.push_back(state.snapshot());
      clock.advance(duration);
      if (on_wait) on_wait();
    }
    return !stopping;
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
  bool stopping = false;
  int wakes = 0;
  daemon::EngineLife engine_life;
};

inline Error died(const std::string& message = "the engine died") {
  return {ErrorCode::engine_died, message, {}, {}};
}

inline Error killed() {
  return {ErrorCode::engine_killed, "the engine was killed", {}, {}};
}

}  // namespace runed::test
