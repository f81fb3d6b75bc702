// Rerankers through the native engine, from texts to scores, against those of transformers.
#include <cmath>

#include "embed/native/native_engine.hpp"
#include "embed/rerank_request.hpp"
#include "support/result_matchers.hpp"
#include "support/tiny_model.hpp"

using runed::EmbedOptions;
using runed::ErrorCode;
using runed::SystemClock;
using runed::Truncate;
using runed::embed::embed_all;
using runed::embed::Head;
using runed::embed::PairMaker;
using runed::embed::PreparedText;
using runed::embed::native::NativeEngine;
using runed::embed::native::NumberFormat;
using runed::test::tiny_path;
using runed::test::TinyPairs;
using runed::test::unwrap;
using runed::test::unwrap_error;

namespace {

const SystemClock kClock;
const EmbedOptions kCut{.truncate = Truncate::right};

std::unique_ptr<NativeEngine> start(const std::string& path, uint32_t max_tokens = 0) {
  auto engine = unwrap(NativeEngine::create({.source = {.bytes = {}, .path = path},
                                             .compute = NumberFormat::f32,
                                             .max_tokens = max_tokens},
                                            kClock));
  unwrap(engine->start());
  CHECK(engine->info().spec.head == Head::rank);
  CHECK(engine->info().dimension == 1);
  return engine;
}

// How far the scores of all pairs may be from those of the reference, alone and together.
void check_scores(NativeEngine& engine, const TinyPairs& reference, double most) {
  std::vector<PreparedText> pairs;
  for (size_t i = 0; i < reference.pairs.size(); ++i) {
    CAPTURE(i);
    const auto& [query, document] = reference.pairs[i];
    const auto maker = unwrap(PairMaker::create(query, kCut, engine.info(), *engine.tokenizer()));
    pairs.push_back(unwrap(maker.make(document)));
    CHECK(pairs.back().ids == reference.ids[i]);
    if (!reference.seconds.empty()) CHECK(pairs.back().second == reference.seconds[i]);
  }
  const auto together = unwrap(embed_all(engine, pairs));
  for (size_t i = 0; i < pairs.size(); ++i) {
    CAPTURE(i);
    const auto alone = unwrap(embed_all(engine, std::span(&pairs[i], 1))).front().vector;
    REQUIRE(alone.size() == 1);
    CHECK(std::abs(static_cast<double>(alone.front()) - reference.scores[i]) <= most);
    CHECK(std::abs(static_cast<double>(together[i].vector.front()) - reference.scores[i]) <= most);
  }
}

}  // namespace

TEST_CASE("directories of rerankers give the ids and the scores of transformers") {
  for (const std::string name :
       {"rerank-bert", "rerank-xlmr", "rerank-modernbert", "rerank-qwen3"}) {
    CAPTURE(name);
    const TinyPairs reference(name);
    const auto engine = start(tiny_path(name), reference.max_tokens);
    CHECK(engine->info().max_tokens == reference.max_tokens);
    check_scores(*engine, reference, name == "rerank-qwen3" ? 3e-5 : 1e-5);
  }
}

TEST_CASE("files of rerankers give the ids of transformers, and the scores of rounded weights") {
  for (const std::string name : {"rerank-xlmr", "rerank-modernbert", "rerank-qwen3"}) {
    CAPTURE(name);
    const TinyPairs reference(name);
    const auto engine =
        start(RUNED_TEST_DATA "/tiny_gguf/" + name + ".f16.gguf", reference.max_tokens);
    check_scores(*engine, reference, 0.02);
  }
}

TEST_CASE("a reranker tells itself that its file is what it was, without a pair") {
  const auto engine = start(RUNED_TEST_DATA "/tiny_gguf/rerank-qwen3.f16.gguf");
  const uint32_t none[] = {0};
  unwrap(engine->score({.ids = {}, .offsets = none}, {}));
  unwrap(engine->embed({.ids = {}, .offsets = none}, {}));
}
