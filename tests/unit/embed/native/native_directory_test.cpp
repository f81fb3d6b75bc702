// Directories of Hugging Face's form through the native engine, against the vectors of transformers.

#include <cmath>
#include <cstring>

#include "base/base64.hpp"
#include "base/json.hpp"
#include "embed/native/native_engine.hpp"
#include "embed/request.hpp"
#include "support/result_matchers.hpp"
#include "support/temp_dir.hpp"

using runed::Json;
using runed::SystemClock;
using runed::embed::embed_all;
using runed::embed::PreparedText;
using runed::embed::TokenId;
using runed::embed::native::NativeEngine;
using runed::embed::native::NumberFormat;
using runed::test::read_text;
using runed::test::unwrap;

namespace {

const SystemClock kClock;

std::vector<float> vector_of(const Json& json) {
  const std::string bytes = runed::decode_base64(json.get<std::string>()).value();
  std::vector<float> vector(bytes.size() / sizeof(float));
  std::memcpy(vector.data(), bytes.data(), bytes.size());
  return vector;
}

double distance(const std::vector<float>& a, const std::vector<float>& b) {
  double product = 0;
  double of_a = 0;
  double of_b = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    product += static_cast<double>(a[i]) * b[i];
    of_a += static_cast<double>(a[i]) * a[i];
    of_b += static_cast<double>(b[i]) * b[i];
  }
  return 1 - product / std::sqrt(of_a * of_b);
}

}  // namespace

TEST_CASE(
    "directories give the vectors of transformers, from ids and from texts, alone and together") {
  for (const std::string name : {"bert-mean", "bert-cls", "bert-cased", "bert-cased-lower",
                                 "bert-dense", "bert-bf16", "bert-f16-sharded"}) {
    CAPTURE(name);
    const std::string path = RUNED_TEST_DATA "/tiny/" + name;
    const Json reference = unwrap(runed::parse_json(read_text(path + "/reference.json")));
    auto engine = unwrap(NativeEngine::create(
        {.source = {.bytes = {}, .path = path}, .compute = NumberFormat::f32}, kClock));
    unwrap(engine->start());
    CHECK(engine->info().max_tokens == reference["max_tokens"]);
    std::vector<PreparedText> texts;
    for (size_t i = 0; i < reference["texts"].size(); ++i) {
      CAPTURE(i);
      const auto ids = reference["ids"][i].get<std::vector<TokenId>>();
      if (reference["texts"][i].get<std::string>().empty()) {  // Which nobody may ask for.
        texts.push_back({.ids = ids});
        continue;
      }
      texts.push_back(unwrap(runed::embed::prepare_text(
          reference["texts"][i].get<std::string>(), {.truncate = runed::Truncate::right},
          engine->info().spec, *engine->tokenizer(), engine->info().max_tokens)));
      CHECK(texts.back().ids == ids);
    }
    const auto together = unwrap(embed_all(*engine, texts));
    for (size_t i = 0; i < texts.size(); ++i) {
      CAPTURE(i);
      const std::vector<float> expected = vector_of(reference["vectors"][i]);
      const auto alone = unwrap(embed_all(*engine, std::span(&texts[i], 1))).front().vector;
      REQUIRE(alone.size() == expected.size());
      CHECK(distance(alone, expected) <= 1e-6);
      CHECK(distance(together[i].vector, expected) <= 1e-6);
    }
  }
}
