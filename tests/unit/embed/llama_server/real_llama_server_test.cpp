// The engine on the real llama-server, against the native one.

#include <cmath>

#include "embed/llama_server/llama_server_engine.hpp"
#include "embed/model/builtin_model.hpp"
#include "embed/model/convert.hpp"
#include "embed/native/native_engine.hpp"
#include "embed/request.hpp"
#include "native_reference.hpp"
#include "support/real_llama_server.hpp"
#include "support/result_matchers.hpp"
#include "support/temp_dir.hpp"
#include "support/tiny_model.hpp"
#include "support/unpacked.hpp"

using runed::SystemClock;
using runed::embed::builtin_model;
using runed::embed::builtin_model_sha256;
using runed::embed::embed_all;
using runed::embed::Engine;
using runed::embed::PreparedText;
using runed::embed::TokenId;
using runed::embed::llama_server::LlamaServerEngine;
using runed::embed::llama_server::Profile;
using runed::embed::native::NativeEngine;
using runed::test::real_llama_server;
using runed::test::TempDir;
using runed::test::tiny_path;
using runed::test::TinyReference;
using runed::test::unwrap;

namespace {

using Vectors = std::vector<std::vector<float>>;

const SystemClock kClock;

double cosine(const std::vector<float>& a, const std::vector<float>& b) {
  double product = 0;
  for (size_t i = 0; i < a.size(); ++i) product += static_cast<double>(a[i]) * b[i];
  return product;
}

double norm(const std::vector<float>& vector) {
  return std::sqrt(cosine(vector, vector));
}

std::unique_ptr<LlamaServerEngine> llama_server(const std::string& executable, const TempDir& dir,
                                                Profile profile) {
  auto engine =
      unwrap(LlamaServerEngine::create({.executable = executable,
                                        .source = {.bytes = builtin_model(), .path = {}},
                                        .sha256 = std::string(builtin_model_sha256()),
                                        .model_copy_path = dir / "model.gguf",
                                        .socket_path = dir / "x.sock",
                                        .log_path = dir / "server.log",
                                        .threads = 2,
                                        .profile = profile,
                                        .make_reference = runed::test::native_reference(kClock)},
                                       kClock));
  unwrap(engine->start());
  return engine;
}

std::unique_ptr<NativeEngine> native() {
  auto engine = unwrap(NativeEngine::create({.source = {.bytes = builtin_model(), .path = {}},
                                             .sha256 = std::string(builtin_model_sha256())},
                                            kClock));
  unwrap(engine->start());
  return engine;
}

std::vector<PreparedText> prepare(const Engine& engine) {
  const std::vector<std::string> texts{
      "The cat sits outside",
      "Instruct: Given a web search query, retrieve relevant passages that answer the query\n"
      "Query:how do whales breathe",
      "Ünïcödé, 漢字 and emoji 🐳 in one line",
      "x",
      "int main() { return 0; }  // a comment\n\n\n",
      std::string(300, 'a'),
  };
  std::vector<PreparedText> prepared;
  for (const auto& text : texts) {
    prepared.push_back(unwrap(runed::embed::prepare_text(text, {}, {}, *engine.tokenizer(), 512)));
  }
  PreparedText longest;
  for (TokenId id = 1000; longest.ids.size() < engine.info().max_tokens; id += 7) {
    longest.ids.push_back(id);
  }
  prepared.push_back(longest);
  return prepared;
}

Vectors embed_alone(Engine& engine, const std::vector<PreparedText>& texts) {
  Vectors vectors;
  for (const auto& text : texts) {
    vectors.push_back(unwrap(embed_all(engine, std::span(&text, 1))).front().vector);
  }
  return vectors;
}

Vectors embed_together(Engine& engine, const std::vector<PreparedText>& texts) {
  Vectors vectors;
  for (auto& embedding : unwrap(embed_all(engine, texts))) vectors.push_back(embedding.vector);
  return vectors;
}

}  // namespace

TEST_CASE("both engines give the same vectors, alone and batched, in both profiles") {
  const auto executable = real_llama_server();
  if (!executable) return;
  const auto reference_engine = native();
  const auto texts = prepare(*reference_engine);
  const Vectors reference = embed_alone(*reference_engine, texts);
  for (const Profile profile : {Profile::speed, Profile::lowmem}) {
    CAPTURE(name_of(profile));
    const TempDir dir;
    const auto engine = llama_server(*executable, dir, profile);
    CHECK(engine->info().dimension == 256);
    const Vectors alone = embed_alone(*engine, texts);
    const Vectors together = embed_together(*engine, texts);
    for (size_t i = 0; i < texts.size(); ++i) {
      CAPTURE(i);
      CHECK(cosine(alone[i], reference[i]) >= 0.999);
      CHECK(cosine(together[i], reference[i]) >= 0.999);
      CHECK(cosine(together[i], alone[i]) >= 0.9999);
    }
  }
}

TEST_CASE("an encoder in llama-server has our ids, its pooling and its longest text") {
  const auto executable = real_llama_server();
  if (!executable) return;
  struct Row {
    std::string model;
    std::string file;
    uint32_t max_tokens;
    double least_cosine;  // Of weights as they are stored to those in float32.
  };
  for (const Row& row :
       {Row{"bert-mean", "bert-mean.q8_0", 96, 0.999},
        Row{"bert-cased", "bert-cased.f16", 96, 0.9999},
        Row{"distilbert", "distilbert.f16", 96, 0.9999}, Row{"nomic", "nomic.q8_0", 2048, 0.996},
        Row{"roberta", "roberta.f16", 96, 0.9999}, Row{"xlmr-mean", "xlmr-mean.f16", 96, 0.9999},
        Row{"modernbert-cls", "modernbert-cls.f16", 128, 0.9999},
        Row{"gemma", "gemma.f16", 128, 0.9999}, Row{"qwen2", "qwen2.f16", 128, 0.9999}}) {
    CAPTURE(row.model);
    const TinyReference reference(row.model);
    const TempDir dir;
    const auto engine = unwrap(LlamaServerEngine::create(
        {.executable = *executable,
         .source = {.bytes = {}, .path = RUNED_TEST_DATA "/tiny_gguf/" + row.file + ".gguf"},
         .socket_path = dir / "x.sock",
         .log_path = dir / "server.log",
         .threads = 2},
        kClock));
    unwrap(engine->start());
    CHECK(engine->tokenizer()->is_local());
    CHECK(engine->info().max_tokens == row.max_tokens);
    REQUIRE(reference.texts.size() == 24);
    for (size_t i = 0; i < reference.texts.size(); ++i) {
      CAPTURE(reference.texts[i]);
      const auto text = unwrap(runed::embed::prepare_text(
          reference.texts[i], {.truncate = runed::Truncate::right}, engine->info().spec,
          *engine->tokenizer(), reference.max_tokens));
      const auto found = unwrap(embed_all(*engine, std::span(&text, 1))).front().vector;
      CHECK(cosine(found, reference.vectors[i]) >= row.least_cosine * norm(reference.vectors[i]));
    }
  }
}

// The ids of a reference, so that neither tokenizer has a part in it.
TEST_CASE("the real llama-server loads what was converted of a directory, and computes it") {
  const auto executable = real_llama_server();
  if (!executable) return;
  const TinyReference reference("bert-mean");
  for (const auto type : {runed::embed::TensorType::f32, runed::embed::TensorType::q8_0}) {
    CAPTURE(block_layout(type).name);
    const TempDir dir;
    unwrap(runed::embed::convert_model(
        {.source = tiny_path("bert-mean"), .target = dir / "m.gguf", .type = type}));
    auto engine = unwrap(LlamaServerEngine::create({.executable = *executable,
                                                    .source = {.bytes = {}, .path = dir / "m.gguf"},
                                                    .model_copy_path = dir / "copy.gguf",
                                                    .socket_path = dir / "x.sock",
                                                    .log_path = dir / "server.log",
                                                    .threads = 2,
                                                    .profile = Profile::speed},
                                                   kClock));
    unwrap(engine->start());
    CHECK(engine->info().dimension == 32);
    std::vector<PreparedText> texts;
    Vectors expected;
    for (size_t i = 0; i < reference.texts.size(); ++i) {
      if (reference.ids[i].size() > engine->info().max_tokens) continue;
      texts.push_back({.ids = reference.ids[i]});
      expected.push_back(reference.vectors[i]);
    }
    REQUIRE(texts.size() > 20);
    const Vectors vectors = embed_alone(*engine, texts);
    for (size_t i = 0; i < texts.size(); ++i) {
      CAPTURE(i);
      CHECK(cosine(vectors[i], expected[i]) >=
            (type == runed::embed::TensorType::f32 ? 0.9999 : 0.99));
    }
  }
}
