// The engine on the real llama-server, against the native one.

#include <cmath>

#include "embed/llama_server/llama_server_engine.hpp"
#include "embed/model/builtin_model.hpp"
#include "embed/native/native_engine.hpp"
#include "embed/request.hpp"
#include "native_reference.hpp"
#include "support/real_llama_server.hpp"
#include "support/result_matchers.hpp"
#include "support/temp_dir.hpp"
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
using runed::test::unwrap;

namespace {

using Vectors = std::vector<std::vector<float>>;

const SystemClock kClock;

double cosine(const std::vector<float>& a, const std::vector<float>& b) {
  double product = 0;
  for (size_t i = 0; i < a.size(); ++i) product += static_cast<double>(a[i]) * b[i];
  return product;
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
