// Models that people run, against the libraries that their makers publish them for.
#include <algorithm>
#include <string>

#include "embed/model/convert.hpp"
#include "embed/native/native_engine.hpp"
#include "embed/request.hpp"
#include "support/real_models.hpp"
#include "support/result_matchers.hpp"
#include "support/temp_dir.hpp"

using runed::EmbedOptions;
using runed::SystemClock;
using runed::Truncate;
using runed::embed::embed_all;
using runed::embed::prepare_text;
using runed::embed::PreparedText;
using runed::embed::TensorType;
using runed::embed::native::NativeEngine;
using runed::embed::native::NumberFormat;
using runed::test::digest_of;
using runed::test::read_real_reference;
using runed::test::real_models;
using runed::test::RealModel;
using runed::test::RealModelReference;
using runed::test::unicode_texts;
using runed::test::unwrap;

namespace {

const SystemClock kClock;

std::unique_ptr<NativeEngine> started(const std::string& path, NumberFormat compute) {
  auto engine = unwrap(NativeEngine::create({.source = {{}, path},
                                             .sha256 = std::string(64, '0'),
                                             .file = {},
                                             .threads = 2,
                                             .compute = compute},
                                            kClock));
  unwrap(engine->start());
  return engine;
}

double cosine(const std::vector<float>& a, const std::vector<float>& b) {
  REQUIRE(a.size() == b.size());
  double product = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    product += static_cast<double>(a[i]) * static_cast<double>(b[i]);
  }
  return product;
}

// How near the vectors of a model are to the reference, and to themselves in a batch.
struct Nearness {
  double to_reference = 1;
  double to_batch = 1;
};

Nearness measure(NativeEngine& engine, const RealModelReference& reference) {
  const EmbedOptions options{.truncate = Truncate::right};
  std::vector<PreparedText> texts;
  for (const auto& known : reference.vectors) {
    texts.push_back(unwrap(prepare_text(unicode_texts()[known.text], options, engine.info().spec,
                                        *engine.tokenizer(), engine.info().max_tokens)));
    CHECK(texts.back().ids.size() == known.tokens);
  }
  const auto together = unwrap(embed_all(engine, texts));
  Nearness nearness;
  for (size_t i = 0; i < texts.size(); ++i) {
    const auto alone = unwrap(embed_all(engine, {&texts[i], 1})).front();
    const double to_reference = cosine(alone.vector, reference.vectors[i].vector);
    nearness.to_reference = std::min(nearness.to_reference, to_reference);
    nearness.to_batch = std::min(nearness.to_batch, cosine(alone.vector, together[i].vector));
  }
  return nearness;
}

}  // namespace

TEST_CASE("ids of real models are those of the reference, for texts in forty scripts") {
  for (const RealModel& model : real_models()) {
    INFO(model.name);
    const auto engine = started(model.directory, NumberFormat::f32);
    const RealModelReference reference = read_real_reference(model.name);
    CHECK(engine->info().max_tokens == reference.max_tokens);
    size_t others = 0;
    for (size_t i = 0; i < unicode_texts().size(); ++i) {
      const auto ids = unwrap(engine->tokenizer()->tokenize(unicode_texts()[i]));
      if (digest_of(ids) != reference.id_digests[i]) ++others;
    }
    CHECK(others == 0);
  }
}

TEST_CASE("vectors of real models are those of the reference") {
  for (const RealModel& model : real_models()) {
    INFO(model.name);
    const RealModelReference reference = read_real_reference(model.name);
    const Nearness exact = measure(*started(model.directory, NumberFormat::f32), reference);
    CHECK(exact.to_reference >= 0.99999);
    CHECK(exact.to_batch >= 0.9999);
    const Nearness chosen = measure(*started(model.directory, NumberFormat::automatic), reference);
    CHECK(chosen.to_reference >= 0.99999);
    CHECK(chosen.to_batch >= 0.9999);
  }
}

TEST_CASE("vectors of real models in Q8_0 are as near to the reference as is promised") {
  const runed::test::TempDir dir;
  for (const RealModel& model : real_models()) {
    INFO(model.name);
    const std::string file = dir / (model.name + ".gguf");
    unwrap(runed::embed::convert_model(
        {.source = model.directory, .target = file, .type = TensorType::q8_0}));
    const Nearness chosen =
        measure(*started(file, NumberFormat::automatic), read_real_reference(model.name));
    CHECK(chosen.to_reference >= 0.999);
    CHECK(chosen.to_batch >= 0.9999);
  }
}
