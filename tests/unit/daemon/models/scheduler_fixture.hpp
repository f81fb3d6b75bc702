#pragma once

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "daemon/models/scheduler.hpp"
#include "scripted_engine.hpp"
#include "support/fake_clock.hpp"
#include "support/result_matchers.hpp"
#include "unit/daemon/queue/reply.hpp"

namespace runed::test {

/// A scheduler over a scripted engine that has started. Its turns are taken by the test, on the test's
/// thread and a clock that only they move.
struct SchedulerFixture {
  using Texts = std::vector<std::string>;

  explicit SchedulerFixture(daemon::Scheduler::Options options = {},
                            const std::function<void(ScriptedEngine::Script&)>& prepare = {})
      : script(prepare),
        scheduler(state, {memory, compute_turns}, clock, log, options, [this] { ++wakes; }) {
    scheduler.take(std::make_unique<ScriptedEngine>(script));
    while (state.snapshot().serving == daemon::Serving::loading) turn();
  }

  Reply submit(Texts texts, daemon::Priority priority = daemon::Priority::bulk) {
    return submit(std::move(texts), [&](daemon::Job& job) { job.priority = priority; });
  }

  Reply submit(Texts texts, const std::function<void(daemon::Job&)>& change) {
    Reply reply;
    daemon::Job job{
        .texts = std::move(texts), .options = {}, .route = {}, .answer = reply.make_answer()};
    change(job);
    scheduler.submit(std::move(job));
    return reply;
  }

  /// Takes one turn, and lets the time pass until the next one is due.
  void turn() {
    const auto due = unwrap(scheduler.turn());
    if (due.has_value() && *due > clock.steady_now()) clock.advance(*due - clock.steady_now());
  }

  /// Takes turns until there is nothing to do now; no time passes.
  void settle() {
    for (int turns = 0; turns < kMostTurns; ++turns) {
      const auto due = unwrap(scheduler.turn());
      if (!due.has_value() || *due > clock.steady_now()) return;
    }
    FAIL("the scheduler never comes to rest");
  }

  void pass_time(std::chrono::nanoseconds time) {
    clock.advance(time);
    settle();
  }

  /// Takes turns until the caller was told.
  const Result<std::vector<Embedding>>& get(const Reply& reply) {
    for (int turns = 0; turns < kMostTurns && !reply.is_told(); ++turns) turn();
    return reply.result();
  }

  void turn_until(daemon::Serving wanted) {
    for (int turns = 0; turns < kMostTurns; ++turns) {
      if (state.snapshot().serving == wanted) return;
      turn();
    }
    FAIL("the state is never told");
  }

  /// Does something while the next pass is computed, before the engine answers.
  void in_next_pass(std::function<void()> action) {
    script.on_pass = [this, action = std::move(action), then = script.on_pass,
                      done = false](const Texts& texts) mutable -> Status {
      if (!std::exchange(done, true)) action();
      return then ? then(texts) : Status();
    };
  }

  static constexpr int kMostTurns = 10'000;

  FakeClock clock;
  Log log{Log::Format::json, clock};
  daemon::State state{clock, {}};
  ScriptedEngine::Script script;
  daemon::MemoryBudget memory{uint64_t{1} << 30};
  daemon::ComputeTurns compute_turns;
  int wakes = 0;
  daemon::Scheduler scheduler;
};

}  // namespace runed::test
