#include "daemon/models/engine_life.hpp"

#include "live_engine.hpp"

using runed::Error;
using runed::ErrorCode;
using runed::Log;
using runed::make_error;
using runed::daemon::Blame;
using runed::daemon::EngineLife;
using runed::daemon::Incident;
using runed::daemon::Serving;
using runed::daemon::State;
using runed::test::died;
using runed::test::FakeClock;
using runed::test::killed;
using runed::test::ScriptedEngine;
using runed::test::Supervised;
using runed::test::unwrap;
using runed::test::unwrap_error;
using namespace std::chrono_literals;

namespace {

using Waits = std::vector<std::chrono::nanoseconds>;

runed::Status restart(Supervised& supervised, const Error& cause, Blame blame = Blame::engine) {
  Incident incident;
  return supervised.engine_life.restart(cause, blame, incident);
}

// Spends the budget: the waits take 7 s, counted from the first charge.
Error exhaust(Supervised& supervised) {
  supervised.fail_starts(3, died("it dies at once"));
  return unwrap_error(restart(supervised, died("it died")));
}

void embed_one(Supervised& supervised) {
  const runed::embed::PreparedText text{.ids = {'a'}};
  const runed::embed::PreparedText* texts[] = {&text};
  unwrap(supervised.engine_life.embed(texts, [] { return true; }));
}

}  // namespace

TEST_CASE("an engine that has started is told with its model") {
  Supervised supervised;
  CHECK(supervised.state.snapshot().serving == Serving::ok);
  CHECK(supervised.state.model()->model_name == "bytes");
  CHECK(supervised.engine_life.tokenizer() != nullptr);
  CHECK(supervised.engine_life.restarts() == 0);
}

TEST_CASE("a first start that fails is not tried again") {
  runed::test::FakeClock clock;
  runed::Log log(runed::Log::Format::json, clock);
  runed::daemon::State state(clock, {});
  ScriptedEngine::Script script;
  script.start_result = died("it died while loading");
  runed::daemon::EngineLife engine_life(
      state, clock, log, {},
      {.pause = [](auto) { return true; }, .wake = {}, .give_memory_back = [] {}});
  const Error error = unwrap_error(engine_life.start(std::make_unique<ScriptedEngine>(script)));
  CHECK(error.code == ErrorCode::internal);  // What engine_died means is between the two.
  CHECK(error.message == "it died while loading");
  CHECK(script.starts == 1);
  CHECK(state.snapshot().serving == Serving::loading);
}

TEST_CASE("a restart waits first, and Health says for what") {
  Supervised supervised;
  unwrap(restart(supervised, died("llama-server was killed by SIGSEGV")));
  CHECK(supervised.waits == Waits{1s});
  REQUIRE(supervised.told.size() == 1);
  CHECK(supervised.told[0].serving == Serving::degraded);
  CHECK(supervised.told[0].reason == ErrorCode::engine_restarting);
  CHECK(supervised.told[0].message ==
        "llama-server was killed by SIGSEGV; starting it again in 1s");
  CHECK(supervised.state.snapshot().serving == Serving::ok);
  CHECK(supervised.engine_life.restarts() == 1);
  CHECK(supervised.script.stops == 1);
}

TEST_CASE("a restart that fails is tried again until the budget is spent") {
  Supervised supervised;
  const Error error = exhaust(supervised);
  CHECK(supervised.waits == Waits{1s, 2s, 4s});
  CHECK(error.code == ErrorCode::engine_restarts_exhausted);
  CHECK(error.message ==
        "the engine was started again 3 times within 10m and failed once more: it dies at once");
  CHECK(error.hint.find("2026-01-02T03:14:05.000Z") != std::string::npos);
  CHECK(error.details.at("reset_at") == "2026-01-02T03:14:05.000Z");
  CHECK(error.details.at("retry_seconds") == "593");
  CHECK(supervised.state.snapshot().serving == Serving::degraded);
  CHECK(supervised.state.snapshot().reason == ErrorCode::engine_restarts_exhausted);
  CHECK(supervised.engine_life.restarts() == 3);
}

TEST_CASE("an exhausted engine is left alone until the window has passed") {
  Supervised supervised;
  exhaust(supervised);
  const int starts = supervised.script.starts;
  supervised.clock.advance(592s);
  const Error error = unwrap_error(supervised.engine_life.ensure_running());
  CHECK(error.code == ErrorCode::engine_restarts_exhausted);
  CHECK(error.details.at("retry_seconds") == "1");
  CHECK(supervised.script.starts == starts);
  supervised.engine_life.tick();
  CHECK(supervised.state.snapshot().serving == Serving::degraded);
  supervised.clock.advance(1s);
  unwrap(supervised.engine_life.ensure_running());
  CHECK(supervised.script.starts == starts + 1);
  CHECK(supervised.state.snapshot().serving == Serving::ok);
}

TEST_CASE("when the window has passed Health says that the next request tries again") {
  Supervised supervised;
  exhaust(supervised);
  const auto due = supervised.engine_life.due();
  REQUIRE(due.has_value());
  supervised.clock.advance(*due - supervised.clock.steady_now());
  supervised.engine_life.tick();
  CHECK(supervised.state.snapshot().serving == Serving::idle);
  CHECK(supervised.state.snapshot().message.find("repeated failures") != std::string::npos);
  CHECK_FALSE(supervised.engine_life.due().has_value());
  unwrap(supervised.engine_life.ensure_running());
}

TEST_CASE("an engine that fails again after the window is given up again") {
  Supervised supervised;
  exhaust(supervised);
  supervised.clock.advance(593s);
  supervised.script.start_result = died("still");
  const Error error = unwrap_error(supervised.engine_life.ensure_running());
  CHECK(error.code == ErrorCode::engine_restarts_exhausted);
  CHECK(error.message.find("still") != std::string::npos);
}

TEST_CASE("an engine that somebody kills now and then is started again as often as it takes") {
  Supervised supervised;
  supervised.fail_starts(6, killed());
  unwrap(restart(supervised, killed()));
  CHECK(supervised.waits == Waits{100ms, 200ms, 400ms, 800ms, 1s, 1s, 1s});
  CHECK(supervised.told[0].message == "the engine was killed; starting it again in 100ms");
  CHECK(supervised.engine_life.restarts() == 7);
  embed_one(supervised);
  supervised.waits.clear();
  unwrap(restart(supervised, killed()));
  CHECK(supervised.waits == Waits{100ms});
  // None of it was charged.
  unwrap(restart(supervised, died()));
  CHECK(supervised.waits.back() == 1s);
}

TEST_CASE("an engine that somebody kills as it starts for the first time is started again") {
  FakeClock clock;
  Log log{Log::Format::json, clock};
  State state{clock, {}};
  ScriptedEngine::Script script;
  EngineLife engine_life(
      state, clock, log, {},
      {.pause = [](auto) { return true; }, .wake = [] {}, .give_memory_back = [] {}});
  for (int i = 0; i < 5; ++i) script.next_starts.emplace_back(killed());
  unwrap(engine_life.start(std::make_unique<ScriptedEngine>(script)));
  CHECK(engine_life.restarts() == 5);
  CHECK(state.snapshot().serving == Serving::ok);
}

TEST_CASE("an engine that fails its first start otherwise, or is killed too often, is refused") {
  for (const size_t kills : {size_t{0}, size_t{6}}) {
    FakeClock clock;
    Log log{Log::Format::json, clock};
    State state{clock, {}};
    ScriptedEngine::Script script;
    EngineLife engine_life(
        state, clock, log, {},
        {.pause = [](auto) { return true; }, .wake = [] {}, .give_memory_back = [] {}});
    for (size_t i = 0; i < kills; ++i) script.next_starts.emplace_back(killed());
    script.next_starts.emplace_back(died());
    CHECK_FALSE(engine_life.start(std::make_unique<ScriptedEngine>(script)));
    CHECK(engine_life.restarts() == static_cast<int>(std::min<size_t>(kills, 5)));
  }
}

TEST_CASE(
    "an engine that is killed again and again, and completes nothing, is given up in the end") {
  Supervised supervised;
  for (int i = 0; i < 100; ++i) unwrap(restart(supervised, killed()));
  CHECK(supervised.waits.back() == 1s);
  embed_one(supervised);  // All is forgiven.
  supervised.waits.clear();
  supervised.fail_starts(1000, killed());
  const Error error = unwrap_error(restart(supervised, killed()));
  CHECK(error.code == ErrorCode::engine_restarts_exhausted);
  CHECK(error.message.ends_with("failed once more: the engine was killed"));
  REQUIRE(supervised.waits.size() == 103);
  CHECK(Waits(supervised.waits.end() - 4, supervised.waits.end()) == Waits{1s, 1s, 2s, 4s});
}

TEST_CASE("an engine whose tokenizer does not answer is started again for what it did") {
  Supervised supervised;
  supervised.script.death = killed();
  unwrap(supervised.engine_life.restart_silent());
  CHECK(supervised.waits == Waits{100ms});

  // It lives, for all that is known, and does not come to an end in a moment either.
  supervised.waits.clear();
  unwrap(supervised.engine_life.restart_silent());
  CHECK(supervised.waits == Waits{200ms, 1s});
  CHECK(supervised.told.back().message == "llama-server does not answer; starting it again in 1s");

  // The news of its end come late.
  supervised.waits.clear();
  supervised.on_wait = [&] {
    if (supervised.waits.size() == 1) supervised.script.death = killed();
  };
  unwrap(supervised.engine_life.restart_silent());
  CHECK(supervised.waits == Waits{200ms, 200ms});
}

TEST_CASE("a text that was found guilty has its restarts refunded") {
  Supervised supervised;
  for (int i = 0; i < 10; ++i) {
    Incident incident;
    unwrap(supervised.engine_life.restart(died(), Blame::engine, incident));
    unwrap(supervised.engine_life.restart(died(), Blame::text, incident));
    supervised.engine_life.settle(incident, Blame::text);
  }
  CHECK(supervised.waits == Waits(10, 1s));
}

TEST_CASE("an incident without a guilty text is charged whole") {
  Supervised supervised;
  Incident incident;
  unwrap(supervised.engine_life.restart(died(), Blame::engine, incident));
  unwrap(supervised.engine_life.restart(died(), Blame::text, incident));
  unwrap(supervised.engine_life.restart(died(), Blame::text, incident));
  supervised.engine_life.settle(incident, Blame::engine);
  CHECK(unwrap_error(restart(supervised, died())).code == ErrorCode::engine_restarts_exhausted);
}

TEST_CASE("a start that fails is not refunded with the text that led to it") {
  Supervised supervised;
  Incident incident;
  supervised.fail_starts(1, died());
  unwrap(supervised.engine_life.restart(died(), Blame::engine, incident));
  CHECK(incident.charged == 1);
  supervised.engine_life.settle(incident, Blame::text);
  CHECK(restart(supervised, died()).has_value());
  CHECK(supervised.waits.back() == 2s);
}

TEST_CASE("an engine that dies between two passes is brought back unasked") {
  Supervised supervised;
  supervised.script.die(died("out of memory"));
  CHECK(supervised.wakes == 1);
  CHECK(supervised.engine_life.has_died());
  unwrap(supervised.engine_life.recover());
  CHECK_FALSE(supervised.engine_life.has_died());
  REQUIRE(supervised.told.size() == 1);
  CHECK(supervised.told[0].serving == Serving::degraded);
  CHECK(supervised.told[0].message == "out of memory; starting it again in 1s");
  CHECK(supervised.state.snapshot().serving == Serving::ok);
  CHECK(supervised.engine_life.restarts() == 1);
}

TEST_CASE("an engine that somebody kills between two passes costs nothing") {
  Supervised supervised;
  supervised.script.die(killed());
  unwrap(supervised.engine_life.recover());
  CHECK(supervised.waits == Waits{100ms});
}

TEST_CASE("the budget holds for an engine that dies unasked, too") {
  Supervised supervised;
  for (int i = 0; i < 3; ++i) {
    supervised.script.die(died());
    unwrap(supervised.engine_life.recover());
  }
  supervised.script.die(died());
  CHECK(unwrap_error(supervised.engine_life.recover()).code ==
        ErrorCode::engine_restarts_exhausted);
  CHECK(supervised.state.snapshot().reason == ErrorCode::engine_restarts_exhausted);
}

TEST_CASE("late news of the engine before are not believed") {
  Supervised supervised;
  supervised.script.tell_death();
  CHECK(supervised.engine_life.has_died());
  unwrap(supervised.engine_life.recover());
  CHECK(supervised.engine_life.restarts() == 0);
  CHECK_FALSE(supervised.engine_life.has_died());
}

TEST_CASE("a death before a pass is noticed before the pass") {
  Supervised supervised;
  supervised.script.die(died());
  unwrap(supervised.engine_life.ensure_running());
  CHECK(supervised.engine_life.restarts() == 1);
  embed_one(supervised);
}

TEST_CASE("an idle engine is suspended in time, and its death is nobody's business") {
  Supervised supervised(60s);
  supervised.clock.advance(30s);
  embed_one(supervised);
  CHECK(supervised.engine_life.due() == supervised.clock.steady_now() + 60s);
  supervised.clock.advance(59s);
  supervised.engine_life.tick();
  CHECK(supervised.state.snapshot().serving == Serving::ok);
  supervised.clock.advance(1s);
  supervised.engine_life.tick();
  CHECK(supervised.state.snapshot().serving == Serving::idle);
  CHECK(supervised.engine_life.tokenizer() == nullptr);
  CHECK_FALSE(supervised.engine_life.due().has_value());
  supervised.script.die(killed());
  CHECK_FALSE(supervised.engine_life.has_died());
  unwrap(supervised.engine_life.recover());
  CHECK(supervised.state.snapshot().serving == Serving::idle);
  CHECK(supervised.script.starts == 1);
  // Its resumption is no restart, and is not disturbed by the news.
  unwrap(supervised.engine_life.ensure_running());
  CHECK_FALSE(supervised.engine_life.has_died());
  CHECK(supervised.engine_life.restarts() == 0);
  CHECK(supervised.state.snapshot().serving == Serving::ok);
}

TEST_CASE("an engine that nobody asks is never suspended without an idle timeout") {
  Supervised supervised;
  CHECK_FALSE(supervised.engine_life.due().has_value());
}

TEST_CASE("a resumption that fails is tried again while the request waits") {
  Supervised supervised(60s);
  supervised.clock.advance(60s);
  supervised.engine_life.tick();
  supervised.fail_starts(2, make_error(ErrorCode::internal, "no memory"));
  unwrap(supervised.engine_life.ensure_running());
  CHECK(supervised.waits == Waits{1s, 2s});
  CHECK(supervised.told[1].message == "no memory; starting it again in 2s");
  CHECK(supervised.engine_life.restarts() == 2);
  CHECK(supervised.state.snapshot().serving == Serving::ok);
}

TEST_CASE(
    "a model that cannot be loaded is told at once, and looked for again by the next request") {
  Supervised supervised(60s);
  supervised.clock.advance(60s);
  supervised.engine_life.tick();
  supervised.fail_starts(1, make_error(ErrorCode::model_missing, "the file is gone"));
  const Error error = unwrap_error(supervised.engine_life.ensure_running());
  CHECK(error.code == ErrorCode::model_missing);
  CHECK(supervised.waits.empty());
  CHECK(supervised.state.snapshot().serving == Serving::degraded);
  CHECK(supervised.state.snapshot().reason == ErrorCode::model_missing);
  unwrap(supervised.engine_life.ensure_running());
  CHECK(supervised.state.snapshot().serving == Serving::ok);
}

TEST_CASE("a wait for a restart ends with the daemon, without the restart") {
  Supervised supervised;
  supervised.on_wait = [&] { supervised.stopping = true; };
  CHECK(unwrap_error(restart(supervised, died())).code == ErrorCode::shutting_down);
  CHECK(supervised.script.starts == 1);
}

TEST_CASE("an engine that comes back with another model does not serve") {
  Supervised supervised;
  const auto before = supervised.state.model();
  unwrap(restart(supervised, killed()));
  CHECK(supervised.state.model() == before);
  supervised.script.sha256 = std::string(64, 'b');
  const Error error = unwrap_error(restart(supervised, killed()));
  CHECK(error.code == ErrorCode::model_corrupt);
  CHECK(error.message.starts_with("the engine came back with another model: its SHA-256 is bbb"));
  CHECK(error.hint.starts_with("put the file back, or end the daemon with "));
  CHECK(supervised.state.model() == before);
  CHECK(supervised.state.snapshot().serving == Serving::degraded);
  CHECK(supervised.state.snapshot().reason == ErrorCode::model_corrupt);
  CHECK(supervised.engine_life.tokenizer() == nullptr);
  CHECK(unwrap_error(supervised.engine_life.ensure_running()).code == ErrorCode::model_corrupt);
  supervised.script.sha256 = before->model_sha256;
  unwrap(supervised.engine_life.ensure_running());
  CHECK(supervised.state.snapshot().serving == Serving::ok);
}

TEST_CASE("a stopped engine_life has stopped its engine") {
  Supervised supervised;
  supervised.engine_life.stop();
  CHECK(supervised.script.stops == 1);
  CHECK(supervised.engine_life.tokenizer() == nullptr);
}
