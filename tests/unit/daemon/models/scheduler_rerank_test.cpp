// Calls for scores, on the way of those for vectors.
#include "daemon/models/scheduler.hpp"
#include "scheduler_fixture.hpp"

using runed::Error;
using runed::ErrorCode;
using runed::Status;
using runed::Truncate;
using runed::daemon::Job;
using runed::test::Reply;
using runed::test::unwrap;
using runed::test::unwrap_error;
using Texts = std::vector<std::string>;

namespace {

struct Fixture : runed::test::SchedulerFixture {
  Fixture()
      : SchedulerFixture({.cache_bytes = 1 << 20}, [](runed::test::ScriptedEngine::Script& ranks) {
          ranks.is_reranker = true;
        }) {}

  Reply rerank(const std::string& query, Texts documents,
               const std::function<void(Job&)>& change = {}) {
    return submit(std::move(documents), [&](Job& job) {
      job.query = query;
      if (change) change(job);
    });
  }
};

}  // namespace

TEST_CASE("a call for scores is answered with one score a document, in their order") {
  Fixture fixture;
  const auto scored = unwrap(fixture.get(fixture.rerank("q", {"long", "a", ""})));
  REQUIRE(scored.size() == 3);
  CHECK(scored[0].vector == std::vector<float>{6});
  CHECK(scored[1].vector == std::vector<float>{3});
  CHECK(scored[2].vector == std::vector<float>{2});
  CHECK(scored[0].token_count == 6);
  CHECK(fixture.scheduler.queue_tokens() == 0);
}

TEST_CASE("pairs of several calls are packed into one pass, and equal ones scored once") {
  Fixture fixture;
  const Reply first = fixture.rerank("q", {"a", "b"});
  const Reply second = fixture.rerank("q", {"b", "c"});
  unwrap(fixture.get(first));
  unwrap(fixture.get(second));
  CHECK(fixture.script.pass_sizes == std::vector<size_t>{3});
}

TEST_CASE("pairs of the same ids that are divided otherwise are not the same") {
  Fixture fixture;
  std::vector<Texts> passes;
  fixture.script.on_pass = [&](const Texts& texts) -> Status {
    passes.push_back(texts);
    return {};
  };
  const Reply first = fixture.rerank("a", {"b|c"});
  const Reply second = fixture.rerank("a|b", {"c"});
  unwrap(fixture.get(first));
  unwrap(fixture.get(second));
  CHECK(passes == std::vector<Texts>{{"a|b|c", "a|b|c"}});
}

TEST_CASE("scores are not kept") {
  Fixture fixture;
  unwrap(fixture.get(fixture.rerank("q", {"a"})));
  unwrap(fixture.get(fixture.rerank("q", {"a"})));
  CHECK(fixture.script.pass_sizes == std::vector<size_t>{1, 1});
  CHECK(fixture.scheduler.cache_bytes() == 0);
}

TEST_CASE("a pair that is too long is refused by its document's index, or cut") {
  Fixture fixture;
  const Error error = unwrap_error(fixture.get(fixture.rerank("query", {"a", "long"})));
  CHECK(error.code == ErrorCode::text_too_long);
  CHECK(error.message == "text 1: the query and the document have 10 tokens, the model takes 8");
  CHECK(error.facts.text("index") == "1");
  const auto scored = unwrap(fixture.get(fixture.rerank(
      "query", {"a", "long"}, [](Job& job) { job.options.truncate = Truncate::right; })));
  CHECK(scored[1].vector == std::vector<float>{8});
  CHECK(scored[1].tokens_dropped == 2);
}

TEST_CASE("a pair that the engine cannot bear fails its own call only") {
  Fixture fixture;
  const Reply good = fixture.rerank("q", {"b"});
  const Reply bad = fixture.rerank("q", {"c", "X"});
  unwrap(fixture.get(good));
  const Error error = unwrap_error(fixture.get(bad));
  CHECK(error.code == ErrorCode::not_finite);
  CHECK(error.facts.text("index") == "1");
}

TEST_CASE("a caller that leaves costs no pass") {
  Fixture fixture;
  const Reply reply = fixture.rerank("q", {"a"});
  reply.told();
  Reply left = reply;
  left.cancel();
  CHECK(unwrap_error(fixture.get(left)).code == ErrorCode::cancelled);
  CHECK(fixture.script.pass_sizes.empty());
}

TEST_CASE("each kind of model refuses the calls of the other") {
  Fixture ranks;
  CHECK(unwrap_error(ranks.get(ranks.submit({"a"}))).code == ErrorCode::wrong_model_kind);
  CHECK(unwrap(ranks.get(ranks.submit({}))).empty());  // Which is how a model is loaded.
  runed::test::SchedulerFixture embeds;
  const Reply reply = embeds.submit({"a"}, [](Job& job) { job.query = "q"; });
  CHECK(unwrap_error(embeds.get(reply)).code == ErrorCode::wrong_model_kind);
  CHECK(embeds.script.pass_sizes.empty());
}
