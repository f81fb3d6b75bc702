// Directories of Hugging Face's form through the native engine, against the vectors of transformers.

#include "embed/native/native_engine.hpp"
#include "embed/request.hpp"
#include "support/result_matchers.hpp"
#include "support/tiny_model.hpp"

using runed::SystemClock;
using runed::embed::embed_all;
using runed::embed::PreparedText;
using runed::embed::native::NativeEngine;
using runed::embed::native::NumberFormat;
using runed::test::distance;
using runed::test::tiny_path;
using runed::test::TinyReference;
using runed::test::unwrap;
using runed::test::unwrap_error;

namespace {

const SystemClock kClock;

}  // namespace

TEST_CASE("the files of llama.cpp's converter have the ids of the directories that they are of") {
  // As long as the file has room for: it does not say what the directory's texts are cut to.
  for (const std::string name :
       {"bert-mean.f32", "bert-cased.f16", "distilbert.f16", "gemma.f16", "modernbert-cls.f16",
        "nomic.f16", "qwen2.f16", "qwen3.f16", "roberta.f16", "xlmr-mean.f16"}) {
    CAPTURE(name);
    const TinyReference reference(name.substr(0, name.find('.')));
    auto engine = unwrap(NativeEngine::create(
        {.source = {.bytes = {}, .path = RUNED_TEST_DATA "/tiny_gguf/" + name + ".gguf"}}, kClock));
    unwrap(engine->start());
    for (size_t i = 0; i < reference.texts.size(); ++i) {
      if (reference.texts[i].empty()) continue;
      CAPTURE(reference.texts[i]);
      const auto text = unwrap(runed::embed::prepare_text(
          reference.texts[i], {.truncate = runed::Truncate::right}, engine->info().spec,
          *engine->tokenizer(), reference.max_tokens));
      CHECK(text.ids == reference.ids[i]);
    }
  }
}

TEST_CASE(
    "directories give the vectors of transformers, from ids and from texts, alone and together") {
  for (const std::string name : {"bert-mean",
                                 "bert-cls",
                                 "bert-cased",
                                 "bert-cased-lower",
                                 "bert-dense",
                                 "bert-bf16",
                                 "bert-f16-sharded",
                                 "bert-unigram",
                                 "distilbert",
                                 "eurobert",
                                 "gemma",
                                 "gte",
                                 "jina-v3",
                                 "model2vec",
                                 "modernbert-cls",
                                 "modernbert-silu",
                                 "mpnet",
                                 "nomic",
                                 "qwen2",
                                 "qwen3",
                                 "roberta",
                                 "static",
                                 "xlmr-mean"}) {
    CAPTURE(name);
    const TinyReference reference(name);
    auto engine = unwrap(NativeEngine::create(
        {.source = {.bytes = {}, .path = tiny_path(name)}, .compute = NumberFormat::f32}, kClock));
    unwrap(engine->start());
    if (engine->info().spec.layers > 0) {  // A table takes texts of any length.
      CHECK(engine->info().max_tokens == reference.max_tokens);
    }
    std::vector<PreparedText> texts;
    for (size_t i = 0; i < reference.texts.size(); ++i) {
      CAPTURE(i);
      if (reference.texts[i].empty()) {  // Which nobody may ask for.
        texts.push_back({.ids = reference.ids[i]});
        continue;
      }
      texts.push_back(unwrap(runed::embed::prepare_text(
          reference.texts[i], {.truncate = runed::Truncate::right}, engine->info().spec,
          *engine->tokenizer(), engine->info().max_tokens)));
      CHECK(texts.back().ids == reference.ids[i]);
    }
    const auto together = unwrap(embed_all(*engine, texts));
    for (size_t i = 0; i < texts.size(); ++i) {
      CAPTURE(i);
      const auto alone = unwrap(embed_all(*engine, std::span(&texts[i], 1))).front().vector;
      CHECK(distance(alone, reference.vectors[i]) <= 1e-6);
      CHECK(distance(together[i].vector, reference.vectors[i]) <= 1e-6);
    }
  }
}

TEST_CASE("tables of vectors give those of sentence-transformers, for a text of any length") {
  for (const std::string name : {"static", "model2vec"}) {
    CAPTURE(name);
    const TinyReference reference(name);
    auto engine =
        unwrap(NativeEngine::create({.source = {.bytes = {}, .path = tiny_path(name)}}, kClock));
    unwrap(engine->start());
    CHECK(engine->info().compute == "f32");
    CHECK(engine->info().dimension == 48);
    CHECK(engine->info().max_text_bytes == 0);
    const auto prepare = [&](const std::string& text) {
      return runed::embed::prepare_text(text, {}, engine->info().spec, *engine->tokenizer(),
                                        engine->info().max_tokens);
    };
    std::vector<PreparedText> texts;
    for (size_t i = 0; i < reference.texts.size(); ++i) {
      texts.push_back(unwrap(prepare(reference.texts[i])));
      CHECK(texts.back().ids == reference.ids[i]);
    }
    const auto together = unwrap(embed_all(*engine, texts));
    for (size_t i = 0; i < texts.size(); ++i) {
      CAPTURE(i);
      CHECK(distance(together[i].vector, reference.vectors[i]) <= 1e-6);
    }
    std::string many;
    for (int i = 0; i < 20000; ++i) many += reference.texts[1] + " ";
    const std::vector<PreparedText> longest{unwrap(prepare(many))};
    CHECK(longest[0].ids.size() == 20000 * texts[1].ids.size());
    const auto vectors = unwrap(embed_all(*engine, longest));
    CHECK(distance(vectors[0].vector, reference.vectors[1]) <= 1e-6);
    const auto none = unwrap_error(prepare(" \n"));
    CHECK(none.code == runed::ErrorCode::empty_text);
    CHECK(none.message == "the text has no tokens, and so no vector");
  }
}
