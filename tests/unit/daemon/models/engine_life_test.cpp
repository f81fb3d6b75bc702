#include "daemon/models/engine_life.hpp"

#include "live_engine.hpp"

using runed::Error;
using runed::ErrorCode;
using runed::make_error;
using runed::daemon::Fault;
using runed::daemon::Incident;
using runed::daemon::Serving;
using runed::test::died;
using runed::test::killed;
using runed::test::LiveEngine;
using runed::test::unwrap;
using runed::test::unwrap_error;
using namespace std::chrono_literals;

namespace {

using Waits = std::vector<std::chrono::nanoseconds>;

// Spends the budget: the waits take 7 s, counted from the first charge.
Error exhaust(LiveEngine& live) {
  live.fail_starts(3, died("it dies at once"));
  return unwrap_error(live.restart(died("it died")));
}

void embed_one(LiveEngine& live) {
  const runed::embed::PreparedText text{.ids = {'a'}};
  const runed::embed::PreparedText* texts[] = {&text};
  unwrap(live.life.embed(texts, [] { return true; }));
}

}  // namespace

TEST_CASE("an engine that has started is told with its model") {
  LiveEngine live;
  CHECK(live.state.snapshot().serving == Serving::ok);
  CHECK(live.state.model()->model_name == "bytes");
  CHECK(live.life.tokenizer() != nullptr);
  CHECK(live.life.restarts() == 0);
}

TEST_CASE("a first start that fails is not tried again") {
  LiveEngine live({}, [](auto& script) { script.start_result = died("it died while loading"); });
  const Error error = unwrap_error(live.first_start);
  CHECK(error.code == ErrorCode::internal);  // What engine_died means is between the two.
  CHECK(error.message == "it died while loading");
  CHECK(live.script.starts == 1);
  CHECK_FALSE(live.life.was_loaded());
  CHECK(live.state.snapshot().serving == Serving::loading);
}

TEST_CASE("a restart waits first, and Health says for what") {
  LiveEngine live;
  unwrap(live.restart(died("llama-server was killed by SIGSEGV")));
  CHECK(live.waits == Waits{1s});
  REQUIRE(live.told.size() == 1);
  CHECK(live.told[0].serving == Serving::degraded);
  CHECK(live.told[0].reason == ErrorCode::engine_restarting);
  CHECK(live.told[0].message == "llama-server was killed by SIGSEGV; starting it again in 1s");
  CHECK(live.state.snapshot().serving == Serving::ok);
  CHECK(live.life.restarts() == 1);
  CHECK(live.script.stops == 1);
}

TEST_CASE("a restart that fails is tried again until the budget is spent") {
  LiveEngine live;
  const Error error = exhaust(live);
  CHECK(live.waits == Waits{1s, 2s, 4s});
  CHECK(error.code == ErrorCode::engine_restarts_exhausted);
  CHECK(error.message ==
        "the engine was started again 3 times within 10m and failed once more: it dies at once");
  CHECK(error.hint.find("2026-01-02T03:14:05.000Z") != std::string::npos);
  CHECK(error.facts.text("reset_at") == "2026-01-02T03:14:05.000Z");
  CHECK(error.facts.text("retry_seconds") == "593");
  CHECK(live.state.snapshot().serving == Serving::degraded);
  CHECK(live.state.snapshot().reason == ErrorCode::engine_restarts_exhausted);
  CHECK(live.life.restarts() == 3);
}

TEST_CASE("an exhausted engine is left alone until the window has passed") {
  LiveEngine live;
  exhaust(live);
  const int starts = live.script.starts;
  live.clock.advance(592s);
  const Error error = unwrap_error(live.ensure_ready());
  CHECK(error.code == ErrorCode::engine_restarts_exhausted);
  CHECK(error.facts.text("retry_seconds") == "1");
  CHECK(live.script.starts == starts);
  live.rest();
  CHECK(live.state.snapshot().serving == Serving::degraded);
  live.clock.advance(1s);
  unwrap(live.ensure_ready());
  CHECK(live.script.starts == starts + 1);
  CHECK(live.state.snapshot().serving == Serving::ok);
}

TEST_CASE("the end of the window is a moment that passes, for a clock that never stands still") {
  LiveEngine live;
  exhaust(live);
  live.clock.advance(1h);
  const auto due = live.life.due();
  REQUIRE(due.has_value());
  CHECK(*due < live.clock.steady_now());
}

TEST_CASE("an engine that is silent is stopped when its memory is wanted") {
  LiveEngine live;
  live.life.note_silence(live.clock.steady_now());
  live.life.suspend("to make room for another model");
  CHECK(live.script.stops == 1);
  CHECK_FALSE(live.life.needs_care(live.clock.steady_now()));
}

TEST_CASE("when the window has passed Health says that the next request tries again") {
  LiveEngine live;
  exhaust(live);
  const auto due = live.life.due();
  REQUIRE(due.has_value());
  live.clock.advance(*due - live.clock.steady_now());
  live.rest();
  CHECK(live.state.snapshot().serving == Serving::idle);
  CHECK(live.state.snapshot().message.find("repeated failures") != std::string::npos);
  CHECK_FALSE(live.life.due().has_value());
  unwrap(live.ensure_ready());
}

TEST_CASE("an engine that fails again after the window is given up again") {
  LiveEngine live;
  exhaust(live);
  live.clock.advance(593s);
  live.script.start_result = died("still");
  const Error error = unwrap_error(live.ensure_ready());
  CHECK(error.code == ErrorCode::engine_restarts_exhausted);
  CHECK(error.message.find("still") != std::string::npos);
}

TEST_CASE("an engine that somebody kills now and then is started again as often as it takes") {
  LiveEngine live;
  live.fail_starts(6, killed());
  unwrap(live.restart(killed()));
  CHECK(live.waits == Waits{100ms, 200ms, 400ms, 800ms, 1s, 1s, 1s});
  CHECK(live.told[0].message == "the engine was killed; starting it again in 100ms");
  CHECK(live.life.restarts() == 7);
  embed_one(live);
  live.waits.clear();
  unwrap(live.restart(killed()));
  CHECK(live.waits == Waits{100ms});
  // None of it was charged.
  unwrap(live.restart(died()));
  CHECK(live.waits.back() == 1s);
}

TEST_CASE("an engine that somebody kills as it starts for the first time is started again") {
  LiveEngine live({}, [](auto& script) {
    for (int i = 0; i < 5; ++i) script.next_starts.emplace_back(killed());
  });
  unwrap(live.first_start);
  CHECK(live.life.restarts() == 5);
  CHECK(live.waits == Waits{100ms, 200ms, 400ms, 800ms, 1s});
  for (const auto& told : live.told) CHECK(told.serving == Serving::loading);
  CHECK(live.state.snapshot().serving == Serving::ok);
}

TEST_CASE("an engine that fails its first start otherwise, or is killed too often, is refused") {
  for (const size_t kills : {size_t{0}, size_t{6}}) {
    LiveEngine live({}, [kills](auto& script) {
      for (size_t i = 0; i < kills; ++i) script.next_starts.emplace_back(killed());
      script.next_starts.emplace_back(died());
    });
    CHECK_FALSE(live.first_start);
    CHECK(live.life.restarts() == static_cast<int>(std::min<size_t>(kills, 5)));
  }
}

TEST_CASE(
    "an engine that is killed again and again, and completes nothing, is given up in the end") {
  LiveEngine live;
  for (int i = 0; i < 100; ++i) unwrap(live.restart(killed()));
  CHECK(live.waits.back() == 1s);
  embed_one(live);  // All is forgiven.
  live.waits.clear();
  live.fail_starts(1000, killed());
  const Error error = unwrap_error(live.restart(killed()));
  CHECK(error.code == ErrorCode::engine_restarts_exhausted);
  CHECK(error.message.ends_with("failed once more: the engine was killed"));
  REQUIRE(live.waits.size() == 103);
  CHECK(Waits(live.waits.end() - 4, live.waits.end()) == Waits{1s, 1s, 2s, 4s});
}

TEST_CASE("an engine whose tokenizer does not answer is started again for what it did") {
  LiveEngine live;
  live.script.death = killed();
  unwrap(live.restart_silent());
  CHECK(live.waits == Waits{100ms});

  // It lives, for all that is known, and does not come to an end in a moment either.
  live.waits.clear();
  unwrap(live.restart_silent());
  CHECK(live.waits == Waits{200ms, 1s});
  CHECK(live.told.back().message == "llama-server does not answer; starting it again in 1s");

  // The news of its end come late.
  live.waits.clear();
  live.on_wait = [&] {
    if (live.waits.size() == 1) live.script.death = killed();
  };
  unwrap(live.restart_silent());
  CHECK(live.waits == Waits{200ms, 200ms});
}

TEST_CASE("a text that was at fault has its restarts refunded") {
  LiveEngine live;
  for (int i = 0; i < 10; ++i) {
    embed_one(live);
    Incident incident;
    unwrap(live.restart(died(), Fault::engine, incident));
    unwrap(live.restart(died(), Fault::text, incident));
    live.life.settle(incident, Fault::text);
  }
  CHECK(live.waits == Waits(10, 1s));
}

TEST_CASE("an incident without a text at fault is charged whole") {
  LiveEngine live;
  Incident incident;
  unwrap(live.restart(died(), Fault::engine, incident));
  unwrap(live.restart(died(), Fault::text, incident));
  unwrap(live.restart(died(), Fault::text, incident));
  live.life.settle(incident, Fault::engine);
  CHECK(unwrap_error(live.restart(died())).code == ErrorCode::engine_restarts_exhausted);
}

TEST_CASE("a start that fails is not refunded with the text that led to it") {
  LiveEngine live;
  Incident incident;
  live.fail_starts(1, died());
  unwrap(live.restart(died(), Fault::engine, incident));
  CHECK(incident.charged == 1);
  live.life.settle(incident, Fault::text);
  CHECK(live.restart(died()).has_value());
  CHECK(live.waits.back() == 2s);
}

TEST_CASE("an engine that dies between two passes is brought back unasked") {
  LiveEngine live;
  live.script.die(died("out of memory"));
  CHECK(live.wakes == 1);
  CHECK(live.life.needs_care(live.clock.steady_now()));
  unwrap(live.care());
  CHECK_FALSE(live.life.needs_care(live.clock.steady_now()));
  REQUIRE(live.told.size() == 1);
  CHECK(live.told[0].serving == Serving::degraded);
  CHECK(live.told[0].message == "out of memory; starting it again in 1s");
  CHECK(live.state.snapshot().serving == Serving::ok);
  CHECK(live.life.restarts() == 1);
}

TEST_CASE("an engine that somebody kills between two passes costs nothing") {
  LiveEngine live;
  live.script.die(killed());
  unwrap(live.care());
  CHECK(live.waits == Waits{100ms});
}

TEST_CASE("the budget holds for an engine that dies unasked, too") {
  LiveEngine live;
  for (int i = 0; i < 3; ++i) {
    live.script.die(died());
    unwrap(live.care());
  }
  live.script.die(died());
  CHECK(unwrap_error(live.care()).code == ErrorCode::engine_restarts_exhausted);
  CHECK(live.state.snapshot().reason == ErrorCode::engine_restarts_exhausted);
}

TEST_CASE("late news of the engine before are not believed") {
  LiveEngine live;
  live.script.tell_death();
  CHECK(live.life.needs_care(live.clock.steady_now()));
  unwrap(live.care());
  CHECK(live.life.restarts() == 0);
  CHECK_FALSE(live.life.needs_care(live.clock.steady_now()));
}

TEST_CASE("a death before a pass is noticed before the pass") {
  LiveEngine live;
  live.script.die(died());
  unwrap(live.ensure_ready());
  CHECK(live.life.restarts() == 1);
  embed_one(live);
}

TEST_CASE("an idle engine is suspended in time, and its death is nobody's business") {
  LiveEngine live(60s);
  live.clock.advance(30s);
  embed_one(live);
  CHECK(live.life.due() == live.clock.steady_now() + 60s);
  live.clock.advance(59s);
  live.rest();
  CHECK(live.state.snapshot().serving == Serving::ok);
  live.clock.advance(1s);
  live.rest();
  CHECK(live.state.snapshot().serving == Serving::idle);
  CHECK(live.life.tokenizer() == nullptr);
  CHECK_FALSE(live.life.due().has_value());
  live.script.die(killed());
  CHECK_FALSE(live.life.needs_care(live.clock.steady_now()));
  unwrap(live.care());
  CHECK(live.state.snapshot().serving == Serving::idle);
  CHECK(live.script.starts == 1);
  // Its resumption is no restart, and is not disturbed by the news.
  unwrap(live.ensure_ready());
  CHECK_FALSE(live.life.needs_care(live.clock.steady_now()));
  CHECK(live.life.restarts() == 0);
  CHECK(live.state.snapshot().serving == Serving::ok);
}

TEST_CASE("an engine that nobody asks is never suspended without an idle timeout") {
  LiveEngine live;
  CHECK_FALSE(live.life.due().has_value());
}

TEST_CASE("a resumption that fails is tried again while the request waits") {
  LiveEngine live(60s);
  live.clock.advance(60s);
  live.rest();
  live.fail_starts(2, make_error(ErrorCode::internal, "no memory"));
  unwrap(live.ensure_ready());
  CHECK(live.waits == Waits{1s, 2s});
  CHECK(live.told[1].message == "no memory; starting it again in 2s");
  CHECK(live.life.restarts() == 2);
  CHECK(live.state.snapshot().serving == Serving::ok);
}

TEST_CASE(
    "a model that cannot be loaded is told at once, and looked for again by the next request") {
  LiveEngine live(60s);
  live.clock.advance(60s);
  live.rest();
  live.fail_starts(1, make_error(ErrorCode::model_missing, "the file is gone"));
  const Error error = unwrap_error(live.ensure_ready());
  CHECK(error.code == ErrorCode::model_missing);
  CHECK(live.waits.empty());
  CHECK(live.state.snapshot().serving == Serving::degraded);
  CHECK(live.state.snapshot().reason == ErrorCode::model_missing);
  unwrap(live.ensure_ready());
  CHECK(live.state.snapshot().serving == Serving::ok);
}

TEST_CASE("a wait for a restart ends with the daemon, without the restart") {
  LiveEngine live;
  live.on_wait = [&] { live.life.interrupt_start(); };
  CHECK(unwrap_error(live.restart(died())).code == ErrorCode::shutting_down);
  CHECK(live.script.starts == 1);
}

TEST_CASE("an engine that comes back with another model does not serve") {
  LiveEngine live;
  const auto before = live.state.model();
  unwrap(live.restart(killed()));
  CHECK(live.state.model() == before);
  live.script.sha256 = std::string(64, 'b');
  const Error error = unwrap_error(live.restart(killed()));
  CHECK(error.code == ErrorCode::model_corrupt);
  CHECK(error.message.starts_with("the engine came back with another model: its SHA-256 is bbb"));
  CHECK(error.hint.starts_with("put the file back, or end the daemon with "));
  CHECK(live.state.model() == before);
  CHECK(live.state.snapshot().serving == Serving::degraded);
  CHECK(live.state.snapshot().reason == ErrorCode::model_corrupt);
  CHECK(live.life.tokenizer() == nullptr);
  CHECK(unwrap_error(live.ensure_ready()).code == ErrorCode::model_corrupt);
  live.script.sha256 = before->model_sha256;
  unwrap(live.ensure_ready());
  CHECK(live.state.snapshot().serving == Serving::ok);
}

TEST_CASE("the end of its life stops the engine") {
  LiveEngine live;
  live.life.stop();
  CHECK(live.script.stops == 1);
  CHECK(live.life.tokenizer() == nullptr);
}
