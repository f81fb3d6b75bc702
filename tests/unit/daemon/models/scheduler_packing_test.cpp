// What the scheduler does with many callers: packing, classes, identical texts, the cache, the bounds.
#include <future>

#include "scheduler_fixture.hpp"

using runed::ErrorCode;
using runed::Status;
using runed::daemon::CentroidSet;
using runed::daemon::Job;
using runed::daemon::Priority;
using runed::test::Reply;
using runed::test::unwrap;
using runed::test::unwrap_error;
using namespace std::chrono_literals;
using Fixture = runed::test::SchedulerFixture;
using Sizes = std::vector<size_t>;
using Texts = std::vector<std::string>;

TEST_CASE("what waits is packed into one pass, across jobs, up to the budget") {
  Fixture fixture;
  std::vector<Reply> others;
  fixture.in_next_pass([&] {
    for (int i = 0; i < 6; ++i) others.push_back(fixture.submit({fmt::format("fou{}", i)}));
  });
  unwrap(fixture.get(fixture.submit({"a"})));
  for (const Reply& reply : others) unwrap(fixture.get(reply));
  // 16 tokens a pass: four texts of four, then the other two.
  CHECK(fixture.script.pass_sizes == Sizes{1, 4, 2});
}

TEST_CASE("a full queue refuses at once, but a job of any size is taken when nothing waits") {
  Fixture fixture({.bounds = {.bulk_tokens = 6}});
  const Reply large = fixture.submit({"eight888", "8eight88"});
  CHECK(unwrap_error(fixture.submit({"a"}).result()).code == ErrorCode::queue_full);
  unwrap(fixture.get(large));
}

TEST_CASE("the classes are bounded apart, and a refusal says when to come again") {
  Fixture fixture({.bounds = {.interactive_tokens = 4, .bulk_tokens = 4}});
  fixture.in_next_pass([&] { fixture.clock.advance(10ms); });
  unwrap(fixture.get(fixture.submit({"rate"})));
  fixture.settle();
  const Reply bulk = fixture.submit({"bbbb"});
  const auto refusal = unwrap_error(fixture.submit({"cc"}).result());
  CHECK(refusal.code == ErrorCode::queue_full);
  CHECK(refusal.message == "the queue is full: 4 tokens wait");
  CHECK(std::stod(refusal.facts.text("retry_seconds")) >= 0.01);
  CHECK(std::stod(refusal.facts.text("retry_seconds")) < 1);
  CHECK(fixture.scheduler.load_statistics().refused_calls == 1);
  const Reply interactive = fixture.submit({"dd"}, Priority::interactive);
  unwrap(fixture.get(bulk));
  unwrap(fixture.get(interactive));
}

TEST_CASE("a text that somebody waits for goes before bulk that came earlier") {
  Fixture fixture;
  std::vector<Texts> passes;
  fixture.script.on_pass = [&](const Texts& texts) -> Status {
    passes.push_back(texts);
    return {};
  };
  const Reply bulk = fixture.submit({"bulk1", "bulk2", "bulk3", "bulk4"});
  const Reply query = fixture.submit({"query"}, Priority::interactive);
  unwrap(fixture.get(query));
  unwrap(fixture.get(bulk));
  REQUIRE(passes.size() == 3);
  CHECK(passes[0] == Texts{"query"});
}

TEST_CASE("identical texts are computed once, those in the pass under way too") {
  Fixture fixture;
  Reply second;
  Reply third;
  fixture.in_next_pass([&] {
    second = fixture.submit({"same", "other", "same"});
    third = fixture.submit({"other"}, Priority::interactive);
  });
  unwrap(fixture.get(fixture.submit({"same"})));
  const auto answers = unwrap(fixture.get(second));
  REQUIRE(answers.size() == 3);
  CHECK(answers[2].token_count == 4);
  CHECK(answers[2].vector.size() == runed::test::ScriptedEngine::kDimension);
  unwrap(fixture.get(third));
  CHECK(fixture.script.pass_sizes == Sizes{1, 1});
  CHECK(fixture.scheduler.load_statistics().shared_texts == 3);
  CHECK(fixture.scheduler.queue_tokens() == 0);
}

TEST_CASE("one caller who leaves does not take an identical text from the others") {
  Fixture fixture;
  Reply leaves = fixture.submit({"same"});
  const Reply stays = fixture.submit({"same"});
  leaves.cancel();
  CHECK(unwrap_error(fixture.get(leaves)).code == ErrorCode::cancelled);
  unwrap(fixture.get(stays));
  CHECK(fixture.script.pass_sizes == Sizes{1});
  CHECK(fixture.scheduler.load_statistics().cancelled_calls == 1);
}

TEST_CASE("a text of late is answered while the engine is busy with others") {
  Fixture fixture({.cache_bytes = 1 << 20});
  const auto vector = unwrap(fixture.get(fixture.submit({"known"}))).front().vector;
  Reply mixed;
  fixture.in_next_pass([&] {
    const auto answer = unwrap(fixture.submit({"known"}).result()).front();
    CHECK(answer.vector == vector);
    CHECK(answer.token_count == 5);
    mixed = fixture.submit({"new", "known"});
  });
  unwrap(fixture.get(fixture.submit({"busy"})));
  CHECK(unwrap(fixture.get(mixed)).at(1).vector == vector);
  CHECK(fixture.script.pass_sizes == Sizes{1, 1, 1});
  CHECK(fixture.scheduler.load_statistics().cached_texts == 2);
}

TEST_CASE("the vectors of late are given back with the engine's memory") {
  Fixture fixture({.idle_timeout = 50s, .cache_bytes = 1 << 20});
  unwrap(fixture.get(fixture.submit({"known"})));
  fixture.settle();
  CHECK(fixture.scheduler.cache_bytes() > 0);
  fixture.pass_time(50s);
  CHECK(fixture.state.snapshot().serving == runed::daemon::Serving::idle);
  CHECK(fixture.scheduler.cache_bytes() == 0);
}

TEST_CASE("a vector is routed before it is cut") {
  Fixture fixture;
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
  const Reply reply = fixture.submit({"text"}, [&](Job& job) {
    job.options.dimensions = 32;
    job.route = set;
  });
  const auto embedding = unwrap(fixture.get(reply)).front();
  CHECK(embedding.vector.size() == 32);
  CHECK(embedding.cluster_id == 1);
}

TEST_CASE("a text is given to the engine behind the prompt of the model that is loaded") {
  Fixture fixture;
  Texts seen;
  fixture.script.on_pass = [&seen](const Texts& texts) -> Status {
    seen.insert(seen.end(), texts.begin(), texts.end());
    return {};
  };
  const auto embed = [&fixture](const runed::EmbedOptions& options) {
    unwrap(fixture.get(fixture.submit({"text"}, [&](Job& job) { job.options = options; })));
  };
  using runed::InputType;
  embed({.input_type = InputType::query, .instruction = {}});
  embed({.input_type = InputType::query, .instruction = "b"});
  embed({.input_type = InputType::document, .instruction = {}});
  embed({.instruction = {}});
  CHECK(seen == Texts{"?a:text", "?b:text", "d:text", "text"});
}

TEST_CASE("a text whose caller left while the engine came back is computed for the next one") {
  Fixture fixture({.restarts = {.first_wait = 1h, .longest_wait = 1h, .first_pause = 200ms}});
  int passes = 0;
  fixture.script.on_pass = [&](const Texts&) -> Status {
    if (++passes > 1) return {};
    const runed::Error killed{ErrorCode::engine_killed, "the engine was killed", {}, {}};
    fixture.script.death = killed;
    return killed;
  };
  Reply first = fixture.submit({"text"});
  fixture.turn_until(runed::daemon::Serving::degraded);
  first.cancel();
  CHECK(unwrap_error(fixture.get(first)).code == ErrorCode::cancelled);
  unwrap(fixture.get(fixture.submit({"text"})));
  CHECK(fixture.scheduler.queue_tokens() == 0);
}

TEST_CASE("what its caller bounds takes none of the others' room") {
  Fixture fixture({.bounds = {.interactive_tokens = 4, .bulk_tokens = 4}});
  const Reply stream =
      fixture.submit({"12345678"}, [](Job& job) { job.is_bounded_by_caller = true; });
  const Reply second =
      fixture.submit({"abcdefgh"}, [](Job& job) { job.is_bounded_by_caller = true; });
  const Reply batch = fixture.submit({"bbb"});
  unwrap(fixture.get(stream));
  unwrap(fixture.get(second));
  unwrap(fixture.get(batch));
}
