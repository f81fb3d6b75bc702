#include <set>

#include "scheduler_fixture.hpp"

using runed::Embedding;
using runed::Error;
using runed::ErrorCode;
using runed::Result;
using runed::daemon::Scheduler;
using runed::daemon::Serving;
using runed::daemon::State;
using runed::test::Answer;
using runed::test::eventually;
using runed::test::get;
using runed::test::kAtOnce;
using runed::test::ScriptedEngine;
using runed::test::unwrap;
using runed::test::unwrap_error;
using namespace std::chrono_literals;

namespace {

using Texts = std::vector<std::string>;

constexpr runed::daemon::RestartPolicy kAfterAnHour{.first_wait = 1h, .longest_wait = 1h};

const Error kDied{ErrorCode::engine_died, "the engine died", {}, {}};

struct Fixture : runed::test::SchedulerFixture {
  using SchedulerFixture::SchedulerFixture;

  void die_at_pass(int number) {
    const std::lock_guard lock(script.mutex);
    script.on_pass = [this, left = number](const Texts&) mutable -> runed::Status {
      if (--left != 0) return {};
      script.death = kDied;
      return kDied;
    };
  }
};

}  // namespace

TEST_CASE("a job is answered with one embedding a text") {
  Fixture fixture;
  fixture.wait_for(Serving::ok);
  Answer answer = fixture.submit({"one", "two", "four"});
  const auto embeddings = unwrap(get(answer));
  REQUIRE(embeddings.size() == 3);
  CHECK(embeddings[2].token_count == 4);
  CHECK(embeddings[2].vector.size() == ScriptedEngine::kDimension);
  CHECK(fixture.scheduler.queue_tokens() == 0);
}

TEST_CASE("a text that is too long is refused by its index, without a pass") {
  Fixture fixture;
  fixture.wait_for(Serving::ok);
  Answer answer = fixture.submit({"short", "longer than eight"});
  const Error error = unwrap_error(get(answer));
  CHECK(error.code == ErrorCode::text_too_long);
  CHECK(error.message == "text 1: the text has 17 tokens, the model takes 8");
  CHECK(error.details.at("index") == "1");
  CHECK(error.details.at("tokens") == "17");
  CHECK(error.details.at("limit") == "8");
  CHECK(fixture.script.pass_sizes.empty());
}

TEST_CASE("a cancelled job costs no pass") {
  Fixture fixture;
  fixture.wait_for(Serving::ok);
  fixture.script.pause();
  Answer first = fixture.submit({"a"});
  fixture.script.wait_inside(1);
  std::atomic<bool> cancelled{false};
  Answer second = fixture.submit({"b"}, &cancelled);
  cancelled = true;
  fixture.script.resume();
  unwrap(get(first));
  CHECK(unwrap_error(get(second)).code == ErrorCode::cancelled);
  CHECK(fixture.script.pass_sizes == std::vector<size_t>{1});
}

TEST_CASE("a vector that is not finite fails its own text only, after a restart") {
  Fixture fixture;
  fixture.wait_for(Serving::ok);
  fixture.script.pause();
  Answer first = fixture.submit({"a"});
  fixture.script.wait_inside(1);
  Answer good = fixture.submit({"b"});
  Answer bad = fixture.submit({"c", "X"});
  fixture.script.resume();
  unwrap(get(first));
  unwrap(get(good));
  const Error error = unwrap_error(get(bad));
  CHECK(error.code == ErrorCode::not_finite);
  CHECK(error.details.at("index") == "1");
  CHECK(fixture.scheduler.restarts() == 1);
  CHECK(fixture.script.starts == 2);
}

TEST_CASE("a text that crashes the engine fails, and the other jobs of its pass do not") {
  Fixture fixture;
  fixture.wait_for(Serving::ok);
  fixture.script.on_pass = [&](const Texts& texts) -> runed::Status {
    if (std::ranges::find(texts, "X") == texts.end()) return {};
    fixture.script.death = kDied;
    return kDied;
  };
  fixture.script.pause();
  Answer first = fixture.submit({"a"});
  fixture.script.wait_inside(1);
  Answer good = fixture.submit({"b", "c"});
  Answer bad = fixture.submit({"d", "X"});
  Answer late = fixture.submit({"e"});
  fixture.script.resume();
  unwrap(get(first));
  CHECK(unwrap(get(good)).size() == 2);
  const Error error = unwrap_error(get(bad));
  CHECK(error.code == ErrorCode::engine_crashed_on_text);
  CHECK(error.message == "text 1: the text crashes the engine: the engine died");
  CHECK(error.details.at("index") == "1");
  unwrap(get(late));
  fixture.wait_for(Serving::ok);
  CHECK(fixture.scheduler.queue_tokens() == 0);
}

TEST_CASE("an engine that cannot be started again refuses who waits and who comes, at once") {
  Fixture fixture;
  fixture.wait_for(Serving::ok);
  fixture.script.pause();
  Answer first = fixture.submit({"a"});
  fixture.script.wait_inside(1);
  Answer second = fixture.submit({"b"});
  fixture.script.set_start_result(kDied);
  fixture.script.on_pass = [](const auto&) -> runed::Status { return kDied; };
  fixture.script.resume();
  for (Answer* answer : {&first, &second}) {
    const Error error = unwrap_error(get(*answer));
    CHECK(error.code == ErrorCode::engine_restarts_exhausted);
    CHECK_FALSE(error.details.at("reset_at").empty());
  }
  CHECK(fixture.state.snapshot().reason == ErrorCode::engine_restarts_exhausted);
  CHECK(fixture.script.starts == 4);
  Answer late = fixture.submit({"c"});
  CHECK(unwrap_error(get(late)).code == ErrorCode::engine_restarts_exhausted);
  CHECK(fixture.script.starts == 4);
  CHECK(fixture.scheduler.restarts() == 3);
}

TEST_CASE("an exhausted engine is tried again by the first job after the window") {
  auto policy = kAtOnce;
  policy.window = 300ms;
  Fixture fixture({.restarts = policy});
  fixture.wait_for(Serving::ok);
  fixture.script.set_start_result(kDied);
  fixture.script.on_pass = [](const auto&) -> runed::Status { return kDied; };
  Answer refused = fixture.submit({"a"});
  CHECK(unwrap_error(get(refused)).code == ErrorCode::engine_restarts_exhausted);
  fixture.script.set_start_result({});
  fixture.script.on_pass = nullptr;
  fixture.wait_for(Serving::idle);
  Answer answer = fixture.submit({"a"});
  unwrap(get(answer));
  CHECK(fixture.state.snapshot().serving == Serving::ok);
}

TEST_CASE("callers may leave while the engine waits to be started again, and others come") {
  Fixture fixture({.restarts = kAfterAnHour});
  fixture.wait_for(Serving::ok);
  fixture.script.on_pass = [](const auto&) -> runed::Status { return kDied; };
  std::atomic<bool> cancelled{false};
  Answer in_pass = fixture.submit({"a"}, &cancelled);
  fixture.wait_for(Serving::degraded);
  CHECK(fixture.state.snapshot().reason == ErrorCode::engine_restarting);
  CHECK(fixture.state.snapshot().message == "the engine died; starting it again in 1h");
  Answer later = fixture.submit({"b"}, &cancelled);
  Answer patient = fixture.submit({"c"});
  cancelled = true;
  CHECK(unwrap_error(get(in_pass)).code == ErrorCode::cancelled);
  CHECK(unwrap_error(get(later)).code == ErrorCode::cancelled);
  CHECK(fixture.script.starts == 1);
  // The wait ends with the daemon.
  CHECK(fixture.scheduler.stop(5s));
  CHECK(unwrap_error(get(patient)).code == ErrorCode::shutting_down);
}

TEST_CASE("an engine that dies while nobody asks is brought back") {
  Fixture fixture;
  fixture.wait_for(Serving::ok);
  fixture.script.die(kDied);
  CHECK(eventually([&] { return fixture.scheduler.restarts() == 1; }));
  fixture.wait_for(Serving::ok);
}

TEST_CASE("an engine that dies while it is suspended stays where it is") {
  Fixture fixture({.idle_timeout = 30ms});
  fixture.wait_for(Serving::idle);
  fixture.script.die(kDied);
  Answer answer = fixture.submit({"wake"});
  unwrap(get(answer));
  CHECK(fixture.scheduler.restarts() == 0);
  CHECK(fixture.script.starts == 2);
}

TEST_CASE("a model that is not what it was fails every job, and serves when it is back") {
  Fixture fixture;
  fixture.wait_for(Serving::ok);
  const Error changed = make_error(ErrorCode::model_corrupt, "the model '/m' was changed");
  fixture.script.pause();
  Answer first = fixture.submit({"a"});
  fixture.script.wait_inside(1);
  Answer waiting = fixture.submit({"b"});
  fixture.script.on_pass = [&](const auto&) -> runed::Status {
    fixture.script.death = changed;
    return changed;
  };
  fixture.script.set_start_result(changed);
  fixture.script.resume();
  CHECK(unwrap_error(get(first)).code == ErrorCode::model_corrupt);
  CHECK(unwrap_error(get(waiting)).code == ErrorCode::model_corrupt);
  CHECK(fixture.state.snapshot().reason == ErrorCode::model_corrupt);
  Answer refused = fixture.submit({"c"});
  CHECK(unwrap_error(get(refused)).code == ErrorCode::model_corrupt);
  fixture.script.on_pass = nullptr;
  fixture.script.set_start_result({});
  Answer served = fixture.submit({"d"});
  unwrap(get(served));
  CHECK(fixture.state.snapshot().serving == Serving::ok);
  CHECK(fixture.scheduler.restarts() == 0);
}

TEST_CASE("stopping gives up a start that takes its time") {
  Fixture fixture;
  fixture.wait_for(Serving::ok);
  fixture.script.start_hangs = true;
  fixture.script.die(kDied);
  CHECK(eventually([&] { return fixture.script.starts == 2; }));
  Answer waiting = fixture.submit({"a"});
  CHECK(fixture.scheduler.stop(5s));
  CHECK(unwrap_error(get(waiting)).code == ErrorCode::shutting_down);
}

TEST_CASE("stopping gives up the first start") {
  Fixture fixture({.restarts = kAtOnce}, [](auto& script) { script.start_hangs = true; });
  CHECK(eventually([&] { return fixture.script.starts == 1; }));
  CHECK(fixture.scheduler.stop(5s));
  CHECK(fixture.load_error.get_future().get().code == ErrorCode::shutting_down);
}

TEST_CASE("stopping leaves a pass its time, interrupting does not, and the engine is stopped") {
  Fixture fixture;
  fixture.wait_for(Serving::ok);
  fixture.script.pause();
  Answer hung = fixture.submit({"a"});
  fixture.script.wait_inside(1);
  CHECK_FALSE(fixture.scheduler.stop(20ms));
  CHECK(fixture.script.stops == 0);
  fixture.scheduler.interrupt();
  CHECK(fixture.scheduler.stop(5s));
  CHECK(unwrap_error(get(hung)).code == ErrorCode::shutting_down);
  CHECK(fixture.script.stops == 1);
}

TEST_CASE("a tokenizer that has to be asked keeps no caller waiting") {
  std::set<std::thread::id> recipients;
  Fixture fixture({.restarts = kAtOnce}, [&](auto& script) {
    script.on_tokenize = [&]() -> runed::Status {
      recipients.insert(std::this_thread::get_id());
      return {};
    };
  });
  fixture.wait_for(Serving::ok);
  Answer answer = fixture.submit({"a", "bb"});
  CHECK(unwrap(get(answer)).size() == 2);
  Answer refused = fixture.submit({"longer than eight"});
  CHECK(unwrap_error(get(refused)).code == ErrorCode::text_too_long);
  CHECK(recipients.size() == 1);
  CHECK_FALSE(recipients.contains(std::this_thread::get_id()));
  CHECK(fixture.scheduler.queue_tokens() == 0);
}

TEST_CASE("an engine whose tokenizer does not answer is started again while the jobs wait") {
  Fixture fixture({.restarts = kAtOnce}, [](auto& script) {
    script.on_tokenize = [left = 3]() mutable -> runed::Status {
      if (--left != 0) return {};
      return runed::make_error(ErrorCode::engine_restarting, "llama-server cannot tokenise");
    };
  });
  fixture.wait_for(Serving::ok);
  fixture.script.pause();
  Answer first = fixture.submit({"a"});
  fixture.script.wait_inside(1);
  Answer second = fixture.submit({"b"});
  Answer third = fixture.submit({"c"});
  fixture.script.resume();
  unwrap(get(first));
  unwrap(get(second));
  unwrap(get(third));
  CHECK(fixture.scheduler.restarts() == 1);
  CHECK(fixture.script.pass_sizes == std::vector<size_t>{1, 2});
}

TEST_CASE("an engine whose tokenizer never answers is given up") {
  Fixture fixture({.restarts = kAtOnce}, [](auto& script) {
    script.on_tokenize = []() -> runed::Status {
      return runed::make_error(ErrorCode::engine_restarting, "llama-server cannot tokenise");
    };
  });
  fixture.wait_for(Serving::ok);
  Answer answer = fixture.submit({"a"});
  const Error error = unwrap_error(get(answer));
  CHECK(error.code == ErrorCode::engine_restarts_exhausted);
  CHECK(error.message.ends_with("failed once more: llama-server does not answer"));
  CHECK(fixture.script.starts == 4);
}

TEST_CASE("memory that is lacking between two passes does not end the daemon") {
  std::atomic<int> stops{0};
  Fixture fixture({.idle_timeout = 30ms}, [&](auto& script) {
    script.on_stop = [&] {
      if (stops++ == 0) throw std::bad_alloc();
    };
  });
  fixture.wait_for(Serving::idle);
  CHECK(stops == 2);
  Answer answer = fixture.submit({"a"});
  unwrap(get(answer));
}

TEST_CASE("a queue that has not even the memory to refuse is reported") {
  Fixture fixture;
  fixture.wait_for(Serving::ok);
  fixture.script.pause();
  Answer first = fixture.submit({"a"});
  fixture.script.wait_inside(1);
  const auto fail = [](auto&&...) -> bool { throw std::bad_alloc(); };
  for (int i = 0; i < 2; ++i) {
    fixture.scheduler.submit(
        {.texts = {"b"}, .options = {}, .route = {}, .is_cancelled = fail, .done = fail});
  }
  fixture.script.resume();
  unwrap(get(first));
  auto reported = fixture.load_error.get_future();
  REQUIRE(reported.wait_for(5s) == std::future_status::ready);
  const Error error = reported.get();
  CHECK(error.code == ErrorCode::internal);
  CHECK(error.message == "the queue cannot be served: std::bad_alloc");
  CHECK(fixture.scheduler.drain(5s));
  CHECK(fixture.scheduler.stop(5s));
}

TEST_CASE("an idle engine is stopped, and started again for the next job") {
  Fixture fixture({.idle_timeout = 30ms});
  fixture.wait_for(Serving::idle);
  CHECK(fixture.script.stops == 1);
  Answer answer = fixture.submit({"wake"});
  CHECK(unwrap(get(answer)).front().token_count == 4);
  CHECK(fixture.script.starts == 2);
  fixture.wait_for(Serving::idle);
}

TEST_CASE("an engine that cannot resume says why, and is tried again") {
  Fixture fixture({.idle_timeout = 30ms});
  fixture.wait_for(Serving::idle);
  fixture.script.set_start_result(runed::make_error(ErrorCode::model_missing, "the file is gone"));
  Answer refused = fixture.submit({"a"});
  CHECK(unwrap_error(get(refused)).code == ErrorCode::model_missing);
  CHECK(fixture.state.snapshot().serving == Serving::degraded);
  CHECK(fixture.state.snapshot().message == "the file is gone");
  fixture.script.set_start_result({});
  Answer answer = fixture.submit({"a"});
  unwrap(get(answer));
}

TEST_CASE("closing refuses new jobs, draining waits for the old ones") {
  Fixture fixture;
  fixture.wait_for(Serving::ok);
  fixture.script.pause();
  Answer first = fixture.submit({"a"});
  fixture.script.wait_inside(1);
  fixture.scheduler.close();
  Answer refused = fixture.submit({"b"});
  CHECK(unwrap_error(get(refused)).code == ErrorCode::shutting_down);
  CHECK_FALSE(fixture.scheduler.drain(10ms));
  fixture.script.resume();
  CHECK(fixture.scheduler.drain(5s));
  unwrap(get(first));
}

TEST_CASE("stopping answers what still waits") {
  Fixture fixture;
  fixture.wait_for(Serving::ok);
  fixture.script.pause();
  Answer first = fixture.submit({"a"});
  fixture.script.wait_inside(1);
  Answer second = fixture.submit({"b"});
  std::thread stopper([&] { fixture.scheduler.stop(5s); });
  // The pass under way is finished; the second job may or may not still get one.
  fixture.script.resume();
  stopper.join();
  unwrap(get(first));
  const auto result = get(second);
  CHECK((result.has_value() || result.error().code == ErrorCode::shutting_down));
}

TEST_CASE("an engine that cannot load is reported, and jobs are not left waiting") {
  ScriptedEngine::Script script;
  script.start_result = runed::make_error(ErrorCode::model_corrupt, "not a GGUF file");
  const runed::SystemClock clock;
  runed::Log log(runed::Log::Format::json, clock);
  State state(clock, {});
  std::promise<Error> load_error;
  Scheduler scheduler([&script](const auto&) { return std::make_unique<ScriptedEngine>(script); },
                      state, clock, log, {},
                      [&](const Error& error) { load_error.set_value(error); });
  CHECK(load_error.get_future().get().code == ErrorCode::model_corrupt);
  CHECK(state.snapshot().serving == Serving::loading);
  std::promise<ErrorCode> answered;
  scheduler.submit({.texts = {"a"},
                    .options = {},
                    .route = {},
                    .is_cancelled = [] { return false; },
                    .done = [&](auto result) { answered.set_value(result.error().code); }});
  CHECK(scheduler.stop(5s));
  CHECK(answered.get_future().get() == ErrorCode::shutting_down);
}
