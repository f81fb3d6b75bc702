#include "daemon/models/scheduler.hpp"

#include <set>
#include <thread>

#include "scheduler_fixture.hpp"

using runed::Error;
using runed::ErrorCode;
using runed::make_error;
using runed::Status;
using runed::daemon::Serving;
using runed::test::Reply;
using runed::test::ScriptedEngine;
using runed::test::unwrap;
using runed::test::unwrap_error;
using namespace std::chrono_literals;
using Texts = std::vector<std::string>;
using Fixture = runed::test::SchedulerFixture;

namespace {

const Error kDied{ErrorCode::engine_died, "the engine died", {}, {}};

Status fail(const Texts& /*texts*/) {
  return kDied;
}

// What the engine answers to its tokenizer's caller when it does not.
Status silence() {
  return make_error(ErrorCode::engine_restarting, "llama-server cannot tokenise");
}

}  // namespace

TEST_CASE("a job is answered with one embedding a text") {
  Fixture fixture;
  const Reply reply = fixture.submit({"one", "two", "four"});
  const auto embeddings = unwrap(fixture.get(reply));
  REQUIRE(embeddings.size() == 3);
  CHECK(embeddings[2].token_count == 4);
  CHECK(embeddings[2].vector.size() == ScriptedEngine::kDimension);
  CHECK(fixture.scheduler.queue_tokens() == 0);
  CHECK(reply.told().times == 1);
}

TEST_CASE("whoever comes wakes the loop, and so does the engine's death") {
  Fixture fixture;
  CHECK(fixture.wakes == 0);
  fixture.submit({"a"});
  CHECK(fixture.wakes == 1);
  fixture.script.die(kDied);
  CHECK(fixture.wakes == 2);
}

TEST_CASE("a text that is too long is refused by its index, without a pass") {
  Fixture fixture;
  const Error error = unwrap_error(fixture.get(fixture.submit({"short", "longer than eight"})));
  CHECK(error.code == ErrorCode::text_too_long);
  CHECK(error.message == "text 1: the text has 17 tokens, the model takes 8");
  CHECK(error.facts.text("index") == "1");
  CHECK(error.facts.text("tokens") == "17");
  CHECK(error.facts.text("limit") == "8");
  CHECK(fixture.script.pass_sizes.empty());
}

TEST_CASE("a cancelled job costs no pass") {
  Fixture fixture;
  Reply second;
  fixture.in_next_pass([&] {
    second = fixture.submit({"b"});
    second.cancel();
  });
  unwrap(fixture.get(fixture.submit({"a"})));
  CHECK(unwrap_error(fixture.get(second)).code == ErrorCode::cancelled);
  CHECK(fixture.script.pass_sizes == std::vector<size_t>{1});
}

TEST_CASE("a vector that is not finite fails its own text only, after a restart") {
  Fixture fixture;
  const Reply good = fixture.submit({"b"});
  const Reply bad = fixture.submit({"c", "X"});
  unwrap(fixture.get(good));
  const Error error = unwrap_error(fixture.get(bad));
  CHECK(error.code == ErrorCode::not_finite);
  CHECK(error.facts.text("index") == "1");
  CHECK(fixture.scheduler.restarts() == 1);
  CHECK(fixture.script.starts == 2);
}

TEST_CASE("a text that crashes the engine fails, and the other jobs of its pass do not") {
  Fixture fixture;
  fixture.script.on_pass = [&](const Texts& texts) -> Status {
    if (std::ranges::find(texts, "X") == texts.end()) return {};
    fixture.script.death = kDied;
    return kDied;
  };
  const Reply good = fixture.submit({"b", "c"});
  const Reply bad = fixture.submit({"d", "X"});
  const Reply late = fixture.submit({"e"});
  CHECK(unwrap(fixture.get(good)).size() == 2);
  const Error error = unwrap_error(fixture.get(bad));
  CHECK(error.code == ErrorCode::engine_crashed_on_text);
  CHECK(error.message == "text 1: the text crashes the engine: the engine died");
  CHECK(error.facts.text("index") == "1");
  unwrap(fixture.get(late));
  fixture.turn_until(Serving::ok);
  CHECK(fixture.scheduler.queue_tokens() == 0);
}

TEST_CASE("an engine that cannot be started again refuses who waits and who comes, at once") {
  Fixture fixture;
  fixture.script.on_pass = fail;
  fixture.script.set_start_result(kDied);
  const Reply first = fixture.submit({"a"});
  Reply second;
  fixture.in_next_pass([&] { second = fixture.submit({"b"}); });
  for (const Reply* reply : std::initializer_list<const Reply*>{&first, &second}) {
    const Error error = unwrap_error(fixture.get(*reply));
    CHECK(error.code == ErrorCode::engine_restarts_exhausted);
    CHECK_FALSE(error.facts.text("reset_at").empty());
  }
  CHECK(fixture.state.snapshot().reason == ErrorCode::engine_restarts_exhausted);
  CHECK(fixture.script.starts == 4);
  const Reply late = fixture.submit({"c"});
  CHECK(unwrap_error(fixture.get(late)).code == ErrorCode::engine_restarts_exhausted);
  CHECK(fixture.script.starts == 4);
  CHECK(fixture.scheduler.restarts() == 3);
}

TEST_CASE("an exhausted engine is tried again by the first job after the window") {
  Fixture fixture;
  fixture.script.set_start_result(kDied);
  fixture.script.on_pass = fail;
  CHECK(unwrap_error(fixture.get(fixture.submit({"a"}))).code ==
        ErrorCode::engine_restarts_exhausted);
  fixture.script.set_start_result({});
  fixture.script.on_pass = nullptr;
  fixture.turn_until(Serving::idle);
  unwrap(fixture.get(fixture.submit({"a"})));
  CHECK(fixture.state.snapshot().serving == Serving::ok);
}

TEST_CASE("callers may leave while the engine waits to be started again, and others come") {
  Fixture fixture({.restarts = {.first_wait = 1h, .longest_wait = 1h}});
  fixture.script.on_pass = fail;
  Reply in_pass = fixture.submit({"a"});
  fixture.settle();
  CHECK(fixture.state.snapshot().reason == ErrorCode::engine_restarting);
  CHECK(fixture.state.snapshot().message == "the engine died; starting it again in 1h");
  Reply later = fixture.submit({"b"});
  const Reply patient = fixture.submit({"c"});
  fixture.settle();
  in_pass.cancel();
  later.cancel();
  // Nobody tells that a caller has left: it is looked for, soon.
  const auto due = unwrap(fixture.scheduler.turn());
  CHECK(*due - fixture.clock.steady_now() <= 50ms);
  CHECK(unwrap_error(in_pass.result()).code == ErrorCode::cancelled);
  CHECK(unwrap_error(later.result()).code == ErrorCode::cancelled);
  CHECK_FALSE(patient.is_told());
  CHECK(fixture.script.starts == 1);
  fixture.scheduler.end();
  CHECK(unwrap_error(patient.result()).code == ErrorCode::shutting_down);
}

TEST_CASE("an engine that dies while nobody asks is brought back") {
  Fixture fixture;
  fixture.script.die(kDied);
  fixture.turn_until(Serving::degraded);
  fixture.turn_until(Serving::ok);
  CHECK(fixture.scheduler.restarts() == 1);
}

TEST_CASE("an engine that dies while it is suspended stays where it is") {
  Fixture fixture({.idle_timeout = 30s});
  fixture.pass_time(30s);
  CHECK(fixture.state.snapshot().serving == Serving::idle);
  fixture.script.die(kDied);
  fixture.settle();
  CHECK(fixture.state.snapshot().serving == Serving::idle);
  unwrap(fixture.get(fixture.submit({"wake"})));
  CHECK(fixture.scheduler.restarts() == 0);
  CHECK(fixture.script.starts == 2);
}

TEST_CASE("a model that is not what it was fails every job, and serves when it is back") {
  Fixture fixture;
  const Error changed = make_error(ErrorCode::model_corrupt, "the model '/m' was changed");
  fixture.script.on_pass = [&](const auto&) -> Status {
    fixture.script.death = changed;
    return changed;
  };
  fixture.script.set_start_result(changed);
  Reply waiting;
  fixture.in_next_pass([&] { waiting = fixture.submit({"b"}); });
  CHECK(unwrap_error(fixture.get(fixture.submit({"a"}))).code == ErrorCode::model_corrupt);
  CHECK(unwrap_error(fixture.get(waiting)).code == ErrorCode::model_corrupt);
  CHECK(fixture.state.snapshot().reason == ErrorCode::model_corrupt);
  CHECK(unwrap_error(fixture.get(fixture.submit({"c"}))).code == ErrorCode::model_corrupt);
  fixture.script.on_pass = nullptr;
  fixture.script.set_start_result({});
  unwrap(fixture.get(fixture.submit({"d"})));
  CHECK(fixture.state.snapshot().serving == Serving::ok);
  CHECK(fixture.scheduler.restarts() == 0);
}

TEST_CASE("what an engine says that was interrupted is not for callers") {
  Fixture fixture;
  const Reply reply = fixture.submit({"a"});
  fixture.in_next_pass([&] { fixture.scheduler.interrupt_start(); });
  fixture.script.on_pass = [then = fixture.script.on_pass](const Texts& texts) -> Status {
    TRY(then(texts));
    return make_error(ErrorCode::shutting_down, "interrupted");
  };
  fixture.turn();
  CHECK_FALSE(reply.is_told());
  fixture.scheduler.end();
  CHECK(unwrap_error(reply.result()).message == "the daemon is shutting down");
  CHECK(fixture.script.stops == 1);
}

TEST_CASE("a tokenizer that has to be asked keeps no caller waiting") {
  int asked = 0;
  Fixture fixture({}, [&](auto& script) {
    script.on_tokenize = [&]() -> Status {
      ++asked;
      return {};
    };
  });
  const Reply reply = fixture.submit({"a", "bb"});
  const Reply refused = fixture.submit({"longer than eight"});
  CHECK(asked == 0);
  CHECK(unwrap(fixture.get(reply)).size() == 2);
  CHECK(unwrap_error(fixture.get(refused)).code == ErrorCode::text_too_long);
  CHECK(asked == 3);
  CHECK(fixture.scheduler.queue_tokens() == 0);
}

TEST_CASE("an engine whose tokenizer does not answer is started again while the jobs wait") {
  Fixture fixture({}, [](auto& script) {
    script.on_tokenize = [left = 3]() mutable -> Status {
      return --left == 0 ? silence() : Status();
    };
  });
  Reply second;
  Reply third;
  fixture.in_next_pass([&] {
    second = fixture.submit({"b"});
    third = fixture.submit({"c"});
  });
  unwrap(fixture.get(fixture.submit({"a"})));
  unwrap(fixture.get(second));
  unwrap(fixture.get(third));
  CHECK(fixture.scheduler.restarts() == 1);
  CHECK(fixture.script.pass_sizes == std::vector<size_t>{1, 2});
}

TEST_CASE("an engine whose tokenizer never answers is given up") {
  Fixture fixture({}, [](auto& script) { script.on_tokenize = silence; });
  const Error error = unwrap_error(fixture.get(fixture.submit({"a"})));
  CHECK(error.code == ErrorCode::engine_restarts_exhausted);
  CHECK(error.message.ends_with("failed once more: llama-server does not answer"));
  CHECK(fixture.script.starts == 4);
}

TEST_CASE("an idle engine is stopped, and started again for the next job") {
  Fixture fixture({.idle_timeout = 30s});
  fixture.pass_time(29s);
  CHECK(fixture.state.snapshot().serving == Serving::ok);
  fixture.pass_time(1s);
  CHECK(fixture.state.snapshot().serving == Serving::idle);
  CHECK(fixture.script.stops == 1);
  CHECK(unwrap(fixture.get(fixture.submit({"wake"}))).front().token_count == 4);
  CHECK(fixture.script.starts == 2);
  fixture.turn_until(Serving::idle);
}

TEST_CASE("a caller that has left does not wake an engine that sleeps") {
  Fixture fixture({.idle_timeout = 30s});
  fixture.pass_time(30s);
  Reply gone = fixture.submit({"a"});
  gone.cancel();
  CHECK(unwrap_error(fixture.get(gone)).code == ErrorCode::cancelled);
  CHECK(fixture.script.starts == 1);
}

TEST_CASE("an engine that cannot resume says why, and is tried again") {
  Fixture fixture({.idle_timeout = 30s});
  fixture.pass_time(30s);
  fixture.script.set_start_result(make_error(ErrorCode::model_missing, "the file is gone"));
  CHECK(unwrap_error(fixture.get(fixture.submit({"a"}))).code == ErrorCode::model_missing);
  CHECK(fixture.state.snapshot().serving == Serving::degraded);
  CHECK(fixture.state.snapshot().message == "the file is gone");
  fixture.script.set_start_result({});
  unwrap(fixture.get(fixture.submit({"a"})));
}

TEST_CASE("closing refuses new jobs, and answers the old ones") {
  Fixture fixture;
  const Reply first = fixture.submit({"a"});
  fixture.scheduler.close();
  const Reply refused = fixture.submit({"b"});
  CHECK(unwrap_error(refused.result()).code == ErrorCode::shutting_down);
  CHECK_FALSE(fixture.scheduler.drain(0ms));
  unwrap(fixture.get(first));
  CHECK(fixture.scheduler.drain(0ms));
}

TEST_CASE("the end answers what still waits, and what comes, and stops the engine") {
  Fixture fixture;
  const Reply waiting = fixture.submit({"a"});
  fixture.scheduler.end();
  CHECK(unwrap_error(waiting.result()).code == ErrorCode::shutting_down);
  CHECK(unwrap_error(fixture.submit({"b"}).result()).code == ErrorCode::shutting_down);
  CHECK(fixture.scheduler.drain(0ms));
  CHECK(fixture.scheduler.queue_tokens() == 0);
  CHECK(fixture.script.stops == 1);
}

TEST_CASE("jobs that are dropped are told that they are lost, and nothing of them stays") {
  Fixture fixture;
  const Reply in_queue = fixture.submit({"a"});
  fixture.script.on_pass = [](const Texts&) -> Status { return kDied; };
  fixture.settle();
  const Reply in_inbox = fixture.submit({"b"});
  fixture.scheduler.drop_jobs();
  for (const Reply& reply : {in_queue, in_inbox}) {
    CHECK(reply.told().is_lost);
    CHECK(reply.told().times == 1);
  }
  CHECK(fixture.scheduler.queue_tokens() == 0);
  CHECK(fixture.scheduler.drain(0ms));
  fixture.script.on_pass = nullptr;
  unwrap(fixture.get(fixture.submit({"c"})));
}
