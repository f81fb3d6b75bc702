// What the scheduler does with many callers: packing, classes, identical texts, the cache, the bounds.
#include "scheduler_fixture.hpp"

using runed::ErrorCode;
using runed::daemon::CentroidSet;
using runed::daemon::Priority;
using runed::daemon::Serving;
using runed::test::Answer;
using runed::test::eventually;
using runed::test::get;
using runed::test::kAtOnce;
using runed::test::unwrap;
using runed::test::unwrap_error;
using namespace std::chrono_literals;
using Fixture = runed::test::SchedulerFixture;

TEST_CASE("what waits is packed into one pass, across jobs, up to the budget") {
  Fixture fixture;
  fixture.wait_for(Serving::ok);
  fixture.script.pause();
  Answer first = fixture.submit({"a"});
  fixture.script.wait_inside(1);
  std::vector<Answer> others;
  for (int i = 0; i < 6; ++i) others.push_back(fixture.submit({fmt::format("fou{}", i)}));
  fixture.script.resume();
  unwrap(get(first));
  for (Answer& answer : others) unwrap(get(answer));
  // 16 tokens a pass: four texts of four, then the other two.
  CHECK(fixture.script.pass_sizes == std::vector<size_t>{1, 4, 2});
}

TEST_CASE("a full queue refuses at once, but a job of any size is taken when nothing waits") {
  Fixture fixture({.bounds = {.bulk_tokens = 6}});
  fixture.wait_for(Serving::ok);
  fixture.script.pause();
  Answer large = fixture.submit({"eight888", "8eight88"});
  fixture.script.wait_inside(1);
  Answer refused = fixture.submit({"a"});
  CHECK(unwrap_error(get(refused)).code == ErrorCode::queue_full);
  fixture.script.resume();
  unwrap(get(large));
}

TEST_CASE("the classes are bounded apart, and a refusal says when to come again") {
  Fixture fixture({.bounds = {.interactive_tokens = 4, .bulk_tokens = 4}, .restarts = kAtOnce});
  fixture.wait_for(Serving::ok);
  Answer measured = fixture.submit({"rate"});
  unwrap(get(measured));
  fixture.script.pause();
  Answer first = fixture.submit({"a"});
  fixture.script.wait_inside(2);
  Answer bulk = fixture.submit({"bbb"});
  const auto refusal = unwrap_error([&] {
    Answer answer = fixture.submit({"cc"});
    return get(answer);
  }());
  CHECK(refusal.code == ErrorCode::queue_full);
  CHECK(refusal.message == "the queue is full: 4 tokens wait");
  CHECK(std::stod(refusal.details.at("retry_seconds")) >= 0.01);
  CHECK(std::stod(refusal.details.at("retry_seconds")) < 1);
  CHECK(fixture.scheduler.load_statistics().refused_calls == 1);
  Answer interactive = fixture.submit({"dd"}, nullptr, Priority::interactive);
  fixture.script.resume();
  unwrap(get(first));
  unwrap(get(bulk));
  unwrap(get(interactive));
}

TEST_CASE("a text that somebody waits for goes before bulk that came earlier") {
  Fixture fixture;
  fixture.wait_for(Serving::ok);
  std::vector<std::vector<std::string>> passes;
  fixture.script.on_pass = [&](const auto& texts) -> runed::Status {
    passes.push_back(texts);
    return {};
  };
  fixture.script.pause();
  Answer first = fixture.submit({"a"});
  fixture.script.wait_inside(1);
  Answer bulk = fixture.submit({"bulk1", "bulk2", "bulk3", "bulk4"});
  Answer query = fixture.submit({"query"}, nullptr, Priority::interactive);
  fixture.script.resume();
  unwrap(get(first));
  unwrap(get(query));
  unwrap(get(bulk));
  REQUIRE(passes.size() == 4);
  CHECK(passes[1] == std::vector<std::string>{"query"});
}

TEST_CASE("identical texts are computed once, those in the pass under way too") {
  Fixture fixture;
  fixture.wait_for(Serving::ok);
  fixture.script.pause();
  Answer first = fixture.submit({"same"});
  fixture.script.wait_inside(1);
  Answer second = fixture.submit({"same", "other", "same"});
  Answer third = fixture.submit({"other"}, nullptr, Priority::interactive);
  fixture.script.resume();
  unwrap(get(first));
  const auto answers = unwrap(get(second));
  REQUIRE(answers.size() == 3);
  CHECK(answers[2].token_count == 4);
  CHECK(answers[2].vector.size() == runed::test::ScriptedEngine::kDimension);
  unwrap(get(third));
  CHECK(fixture.script.pass_sizes == std::vector<size_t>{1, 1});
  CHECK(fixture.scheduler.load_statistics().shared_texts == 3);
  CHECK(fixture.scheduler.queue_tokens() == 0);
}

TEST_CASE("one caller who leaves does not take an identical text from the others") {
  Fixture fixture;
  fixture.wait_for(Serving::ok);
  fixture.script.pause();
  Answer first = fixture.submit({"a"});
  fixture.script.wait_inside(1);
  std::atomic<bool> cancelled{false};
  Answer leaves = fixture.submit({"same"}, &cancelled);
  Answer stays = fixture.submit({"same"});
  cancelled = true;
  fixture.script.resume();
  CHECK(unwrap_error(get(leaves)).code == ErrorCode::cancelled);
  unwrap(get(stays));
  CHECK(fixture.script.pass_sizes == std::vector<size_t>{1, 1});
  CHECK(fixture.scheduler.load_statistics().cancelled_calls == 1);
}

TEST_CASE("a text of late is answered while the engine is busy with others") {
  Fixture fixture({.cache_bytes = 1 << 20, .restarts = kAtOnce});
  fixture.wait_for(Serving::ok);
  Answer first = fixture.submit({"known"});
  const auto vector = unwrap(get(first)).front().vector;
  fixture.script.pause();
  Answer busy = fixture.submit({"busy"});
  fixture.script.wait_inside(2);
  Answer again = fixture.submit({"known"});
  const auto answer = unwrap(get(again)).front();
  CHECK(answer.vector == vector);
  CHECK(answer.token_count == 5);
  Answer mixed = fixture.submit({"new", "known"});
  fixture.script.resume();
  unwrap(get(busy));
  CHECK(unwrap(get(mixed)).at(1).vector == vector);
  CHECK(fixture.script.pass_sizes == std::vector<size_t>{1, 1, 1});
  CHECK(fixture.scheduler.load_statistics().cached_texts == 2);
}

TEST_CASE("the vectors of late are given back with the engine's memory") {
  Fixture fixture({.idle_timeout = 50ms, .cache_bytes = 1 << 20, .restarts = kAtOnce});
  fixture.wait_for(Serving::ok);
  Answer first = fixture.submit({"known"});
  unwrap(get(first));
  CHECK(fixture.scheduler.cache_bytes() > 0);
  fixture.wait_for(Serving::idle);
  CHECK(eventually([&] { return fixture.scheduler.cache_bytes() == 0; }));
}

TEST_CASE("a vector is routed before it is cut") {
  Fixture fixture;
  fixture.wait_for(Serving::ok);
  // The scripted vector is {1, 0, ...}: the second centroid is its like.
  std::vector<float> floats(2 * runed::test::ScriptedEngine::kDimension);
  floats[1] = 1;
  floats[runed::test::ScriptedEngine::kDimension] = 1;
  const auto set = std::make_shared<const CentroidSet>(
      unwrap(CentroidSet::make({.version = "v",
                                .preset = "",
                                .dim = runed::test::ScriptedEngine::kDimension,
                                .count = 2,
                                .floats = std::move(floats),
                                .ragged = {}},
                               {})));
  std::promise<runed::Result<std::vector<runed::Embedding>>> promise;
  Answer answer = promise.get_future();
  fixture.scheduler.submit({.texts = {"text"},
                            .options = {.instruction = {}, .dimensions = 32},
                            .route = set,
                            .is_cancelled = [] { return false; },
                            .done = [&](auto result) { promise.set_value(std::move(result)); }});
  const auto embedding = unwrap(get(answer)).front();
  CHECK(embedding.vector.size() == 32);
  CHECK(embedding.cluster_id == 1);
}

TEST_CASE("a text is given to the engine behind the prompt of the model that is loaded") {
  Fixture fixture;
  fixture.wait_for(Serving::ok);
  std::vector<std::string> seen;
  {
    const std::lock_guard lock(fixture.script.mutex);
    fixture.script.on_pass = [&seen](const auto& texts) -> runed::Status {
      seen.insert(seen.end(), texts.begin(), texts.end());
      return {};
    };
  }
  const auto submit = [&fixture](runed::EmbedOptions options) {
    std::promise<runed::Result<std::vector<runed::Embedding>>> promise;
    Answer answer = promise.get_future();
    fixture.scheduler.submit({.texts = {"text"},
                              .options = std::move(options),
                              .is_cancelled = [] { return false; },
                              .done = [&](auto result) { promise.set_value(std::move(result)); }});
    return get(answer);
  };
  using runed::InputType;
  unwrap(submit({.input_type = InputType::query, .instruction = {}}));
  unwrap(submit({.input_type = InputType::query, .instruction = "b"}));
  unwrap(submit({.input_type = InputType::document, .instruction = {}}));
  unwrap(submit({.instruction = {}}));
  CHECK(seen == std::vector<std::string>{"?a:text", "?b:text", "d:text", "text"});
}

TEST_CASE("a text whose caller left while the engine came back is computed for the next one") {
  Fixture fixture({.restarts = {.first_wait = 1h, .longest_wait = 1h, .first_pause = 200ms}});
  fixture.wait_for(Serving::ok);
  std::atomic<int> passes{0};
  {
    const std::lock_guard lock(fixture.script.mutex);
    fixture.script.on_pass = [&](const auto&) -> runed::Status {
      if (++passes > 1) return {};
      const runed::Error killed{ErrorCode::engine_killed, "the engine was killed", {}, {}};
      fixture.script.death = killed;
      return killed;
    };
  }
  std::atomic<bool> cancelled{false};
  Answer first = fixture.submit({"text"}, &cancelled);
  fixture.wait_for(Serving::degraded);
  cancelled = true;
  CHECK(unwrap_error(get(first)).code == ErrorCode::cancelled);
  Answer second = fixture.submit({"text"});
  unwrap(get(second));
  CHECK(fixture.scheduler.queue_tokens() == 0);
}

TEST_CASE(
    "a large job is tokenised on a thread of its own, and refused or answered like any other") {
  Fixture fixture;
  fixture.wait_for(Serving::ok);
  std::vector<std::string> texts;
  for (int i = 0; i < 20'000; ++i) texts.push_back(fmt::format("{:08}", i));
  Answer large = fixture.submit(texts);
  CHECK(unwrap(get(large)).size() == texts.size());
  Answer long_text = fixture.submit({std::string(100'000, 'a')});
  CHECK(unwrap_error(get(long_text)).code == ErrorCode::text_too_long);
  CHECK(fixture.scheduler.queue_tokens() == 0);
  CHECK(fixture.scheduler.drain(10s));
}

TEST_CASE("what reserves its room takes none of the others'") {
  Fixture fixture({.bounds = {.interactive_tokens = 4, .bulk_tokens = 4}, .restarts = kAtOnce});
  fixture.wait_for(Serving::ok);
  fixture.script.pause();
  Answer first = fixture.submit({"a"});
  fixture.script.wait_inside(1);
  std::promise<runed::Result<std::vector<runed::Embedding>>> promise;
  Answer stream = promise.get_future();
  fixture.scheduler.submit({.texts = {"12345678"},
                            .options = {},
                            .room = runed::daemon::Room::reserved,
                            .route = {},
                            .is_cancelled = [] { return false; },
                            .done = [&](auto result) { promise.set_value(std::move(result)); }});
  Answer batch = fixture.submit({"bbb"});
  fixture.script.resume();
  unwrap(get(first));
  unwrap(get(stream));
  unwrap(get(batch));
}
