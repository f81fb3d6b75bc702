#include "daemon/models/model_host.hpp"

#include <future>

#include "awaited_reply.hpp"
#include "scripted_engine.hpp"
#include "support/eventually.hpp"
#include "support/result_matchers.hpp"

using runed::Error;
using runed::ErrorCode;
using runed::Result;
using runed::daemon::ModelHost;
using runed::daemon::Serving;
using runed::test::AwaitedReply;
using runed::test::eventually;
using runed::test::ScriptedEngine;
using runed::test::submit_text;
using runed::test::unwrap;
using runed::test::unwrap_error;
using namespace std::chrono_literals;

namespace {

const Error kDied{ErrorCode::engine_died, "the engine died", {}, {}};

struct Fixture {
  explicit Fixture(const std::function<void(ScriptedEngine::Script&)>& prepare = {},
                   runed::daemon::Scheduler::Options options = {})
      : script(prepare),
        host([this](const auto&) { return std::make_unique<ScriptedEngine>(script); }, state,
             {memory, turns}, clock, log, options,
             [this](const Error& error) { load_error.set_value(error); }) {}

  AwaitedReply submit(const std::string& text) { return submit_text(host.scheduler(), text); }

  void wait_for(Serving wanted) {
    REQUIRE(eventually([&] { return state.snapshot().serving == wanted; }));
  }

  runed::SystemClock clock;
  runed::Log log{runed::Log::Format::json, clock};
  runed::daemon::State state{clock, {}};
  ScriptedEngine::Script script;
  std::promise<Error> load_error;
  runed::daemon::MemoryBudget memory{1 << 20};
  runed::daemon::ComputeTurns turns;
  ModelHost host;
};

}  // namespace

TEST_CASE("the thread of a host takes turns whenever there is something to do") {
  Fixture fixture;
  fixture.wait_for(Serving::ok);
  unwrap(fixture.submit("a").get());
  fixture.script.die(kDied);
  CHECK(eventually([&] { return fixture.host.scheduler().restarts() == 1; }));
}

TEST_CASE("a large job is tokenised on a thread of its own, and refused like any other") {
  Fixture fixture;
  fixture.wait_for(Serving::ok);
  auto refused = fixture.submit(std::string(100'000, 'a'));
  CHECK(unwrap_error(refused.get()).code == ErrorCode::text_too_long);
  CHECK(fixture.host.scheduler().queue_tokens() == 0);
}

TEST_CASE("stopping gives up a start that takes its time") {
  Fixture fixture;
  fixture.wait_for(Serving::ok);
  fixture.script.start_hangs = true;
  fixture.script.die(kDied);
  CHECK(eventually([&] { return fixture.script.starts == 2; }));
  auto waiting = fixture.submit("a");
  CHECK(fixture.host.stop(5s));
  CHECK(unwrap_error(waiting.get()).code == ErrorCode::shutting_down);
}

TEST_CASE("stopping gives up the first start") {
  Fixture fixture([](auto& script) { script.start_hangs = true; });
  CHECK(eventually([&] { return fixture.script.starts == 1; }));
  CHECK(fixture.host.stop(5s));
  CHECK(fixture.load_error.get_future().get().code == ErrorCode::shutting_down);
}

TEST_CASE("stopping leaves a pass its time, interrupting does not, and the engine is stopped") {
  Fixture fixture;
  fixture.wait_for(Serving::ok);
  fixture.script.pause();
  auto hung = fixture.submit("a");
  fixture.script.wait_inside(1);
  CHECK_FALSE(fixture.host.stop(0ms));
  CHECK(fixture.script.stops == 0);
  fixture.host.scheduler().interrupt();
  CHECK(fixture.host.stop(5s));
  CHECK(unwrap_error(hung.get()).code == ErrorCode::shutting_down);
  CHECK(fixture.script.stops == 1);
}

TEST_CASE("an engine that cannot load is reported, and jobs are not left waiting") {
  Fixture fixture([](auto& script) {
    script.start_result = runed::make_error(ErrorCode::model_corrupt, "not a GGUF file");
  });
  CHECK(fixture.load_error.get_future().get().code == ErrorCode::model_corrupt);
  CHECK(fixture.state.snapshot().serving == Serving::loading);
  auto answer = fixture.submit("a");
  CHECK(fixture.host.stop(5s));
  CHECK(unwrap_error(answer.get()).code == ErrorCode::shutting_down);
}

TEST_CASE("who waits for an engine that cannot load is told why") {
  Fixture fixture([](auto& script) { script.start_hangs = true; });
  CHECK(eventually([&] { return fixture.script.starts == 1; }));
  auto waiting = fixture.submit("a");
  {
    const std::lock_guard lock(fixture.script.mutex);
    fixture.script.start_hangs = false;
    fixture.script.start_result = runed::make_error(ErrorCode::model_corrupt, "not a GGUF file");
    fixture.script.changed.notify_all();
  }
  CHECK(unwrap_error(waiting.get()).code == ErrorCode::model_corrupt);
  CHECK(eventually([&] { return fixture.memory.held_bytes() == 0; }));
}

TEST_CASE("a source that throws is reported") {
  runed::SystemClock clock;
  runed::Log log{runed::Log::Format::json, clock};
  runed::daemon::State state{clock, {}};
  std::promise<Error> load_error;
  runed::daemon::MemoryBudget memory{1 << 20};
  runed::daemon::ComputeTurns turns;
  ModelHost host(
      [](const auto&) -> Result<std::unique_ptr<runed::embed::Engine>> { throw std::bad_alloc(); },
      state, {memory, turns}, clock, log, {},
      [&](const Error& error) { load_error.set_value(error); });
  const Error error = load_error.get_future().get();
  CHECK(error.code == ErrorCode::internal);
  CHECK(error.message == "cannot make the engine: std::bad_alloc");
}

TEST_CASE("memory that is lacking between two passes does not end the daemon") {
  std::atomic<int> stops{0};
  Fixture fixture(
      [&](auto& script) {
        script.on_stop = [&] {
          if (stops++ == 0) throw std::bad_alloc();
        };
      },
      {.idle_timeout = 1ms});
  fixture.wait_for(Serving::idle);
  CHECK(stops == 2);
  unwrap(fixture.submit("a").get());
}
