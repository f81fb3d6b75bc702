#include "embed/native/native_engine.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

#include "base/json.hpp"
#include "base/sha256.hpp"
#include "embed/model/builtin_model.hpp"
#include "embed/native/gemm/gemm_choice.hpp"
#include "embed/native/isa/kernel_choice.hpp"
#include "embed/tokenizer/byte_pair_tokenizer.hpp"
#include "support/read_file.hpp"
#include "support/result_matchers.hpp"

using runed::Error;
using runed::ErrorCode;
using runed::Json;
using runed::SystemClock;
using runed::embed::builtin_model;
using runed::embed::builtin_model_sha256;
using runed::embed::BytePairTokenizer;
using runed::embed::Gguf;
using runed::embed::ModelFile;
using runed::embed::ModelSource;
using runed::embed::TokenId;
using runed::embed::native::available_kernels;
using runed::embed::native::formats_of;
using runed::embed::native::Kernel;
using runed::embed::native::NativeEngine;
using runed::embed::native::NativeOptions;
using runed::embed::native::NumberFormat;
using runed::test::read_file;
using runed::test::unwrap;
using runed::test::unwrap_error;

namespace {

using Ids = std::vector<TokenId>;
using Vector = std::vector<float>;

const SystemClock kClock;

Json read_json(const std::string& path) {
  const auto bytes = read_file(path);
  return Json::parse(reinterpret_cast<const char*>(bytes.data()),
                     reinterpret_cast<const char*>(bytes.data() + bytes.size()));
}

std::string fixture_path(const std::string& type) {
  return RUNED_TEST_DATA_UNPACKED "/qwen3-3x256." + type + ".gguf";
}

std::unique_ptr<NativeEngine> started(NativeOptions options) {
  auto engine = unwrap(NativeEngine::create(std::move(options), kClock));
  unwrap(engine->start());
  return engine;
}

std::unique_ptr<NativeEngine> started_fixture(const std::string& type, uint32_t threads = 2,
                                              std::string_view kernel = "",
                                              NumberFormat compute = NumberFormat::automatic) {
  return started({.source = {{}, fixture_path(type)},
                  .sha256 = std::string(64, '0'),
                  .threads = threads,
                  .kernel = std::string(kernel),
                  .compute = compute});
}

runed::Result<std::vector<Vector>> try_embed(NativeEngine& engine, const std::vector<Ids>& texts,
                                             const std::function<bool()>* is_wanted = nullptr) {
  Ids ids;
  std::vector<uint32_t> offsets{0};
  for (const Ids& text : texts) {
    ids.insert(ids.end(), text.begin(), text.end());
    offsets.push_back(static_cast<uint32_t>(ids.size()));
  }
  const size_t dimension = engine.info().dimension;
  Vector all(texts.size() * dimension);
  TRY(engine.embed({ids, offsets, is_wanted}, all));
  std::vector<Vector> vectors;
  for (size_t i = 0; i < texts.size(); ++i) {
    const auto first = all.begin() + static_cast<std::ptrdiff_t>(i * dimension);
    vectors.emplace_back(first, first + static_cast<std::ptrdiff_t>(dimension));
  }
  return vectors;
}

std::vector<Vector> embed(NativeEngine& engine, const std::vector<Ids>& texts) {
  return unwrap(try_embed(engine, texts));
}

template <typename Expected>
double cosine(const Vector& a, const std::vector<Expected>& b) {
  REQUIRE(a.size() == b.size());
  double product = 0;
  double a_squares = 0;
  double b_squares = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    const double x = static_cast<double>(a[i]);
    const double y = static_cast<double>(b[i]);
    product += x * y;
    a_squares += x * x;
    b_squares += y * y;
  }
  return product / std::sqrt(a_squares * b_squares);
}

double length(const Vector& vector) {
  double squares = 0;
  for (const float value : vector) squares += std::pow(static_cast<double>(value), 2);
  return std::sqrt(squares);
}

// Texts of random lengths and ids of the fixture's vocabulary.
std::vector<Ids> random_texts(size_t count, uint32_t longest) {
  static std::minstd_rand generator(7);
  std::vector<Ids> texts(count);
  for (Ids& text : texts) {
    text.resize(1 + generator() % longest);
    for (TokenId& id : text) id = static_cast<TokenId>(generator() % 320);
  }
  return texts;
}

// The vectors that the definition gives for the fixture's texts, by the type of its file.
class FixtureVectors {
 public:
  FixtureVectors() : json_(read_json(RUNED_TEST_DATA "/fixture_reference_vectors.json")) {}

  std::vector<Ids> texts() const { return json_["ids"].get<std::vector<Ids>>(); }
  std::vector<Vector> of(const std::string& type) const {
    return json_["vectors"][type].get<std::vector<Vector>>();
  }

  // How far its own quantization moves the vectors of a type.
  double distance(const std::string& type) const {
    const std::vector<Vector> exact = of("f16");
    const std::vector<Vector> vectors = of(type);
    double worst = 0;
    for (size_t i = 0; i < exact.size(); ++i) {
      worst = std::max(worst, 1 - cosine(vectors[i], exact[i]));
    }
    return worst;
  }

  // What a format may add, for weights of a type: nothing that shows; the most that eight bits of a
  // weight lose, where numbers have as many; and a factor of its own quantization, as int8 promises,
  // to be chosen for it (compute.hpp).
  double allowed(NumberFormat compute, const std::string& type) const {
    constexpr double kFloatDistance = 1e-6;
    if (compute == NumberFormat::f32) return kFloatDistance;
    if (compute == NumberFormat::int8 && type != "f16") return kFloatDistance + 4 * distance(type);
    return kFloatDistance + distance("q8_0");
  }

 private:
  Json json_;
};

}  // namespace

TEST_CASE("every kernel gives the reference vectors of every file type, in every format") {
  const FixtureVectors reference;
  const std::vector<Ids> texts = reference.texts();
  REQUIRE(texts.size() == 23);
  for (const std::string type : {"f16", "q8_0", "q6_K", "q5_K", "q4_K"}) {
    const std::vector<Vector> expected = reference.of(type);
    for (const Kernel* kernel : available_kernels()) {
      for (const NumberFormat compute : formats_of(*kernel)) {
        const auto engine = started_fixture(type, 2, kernel->name, compute);
        const std::vector<Vector> vectors = embed(*engine, texts);
        for (size_t i = 0; i < texts.size(); ++i) {
          INFO(type << ", kernel " << kernel->name << ", " << engine->info().compute << ", text of "
                    << texts[i].size());
          CHECK(1 - cosine(vectors[i], expected[i]) <= reference.allowed(compute, type));
          CHECK(length(vectors[i]) == Approx(1).epsilon(1e-6));
        }
      }
    }
  }
}

TEST_CASE("the built-in model gives its reference ids and vectors") {
  const Json reference = read_json(RUNED_TEST_DATA "/runed_mini_reference_vectors.json");
  REQUIRE(reference.size() == 34);
  for (const Kernel* kernel : available_kernels()) {
    const auto engine = started({.source = {builtin_model(), ""},
                                 .sha256 = std::string(builtin_model_sha256()),
                                 .threads = 2,
                                 .kernel = std::string(kernel->name)});
    for (const Json& entry : reference) {
      INFO("kernel " << kernel->name << ", text " << entry["text"]);
      const auto ids = unwrap(engine->tokenizer()->tokenize(entry["text"].get<std::string>()));
      CHECK(ids == entry["ids"].get<Ids>());
      const Vector vector = embed(*engine, {ids}).front();
      CHECK(cosine(vector, entry["vector"].get<std::vector<double>>()) >= 0.998);
    }
  }
}

TEST_CASE("a text has the same vector alone, twice, and in any mixed batch") {
  const auto engine = started_fixture("q8_0");
  for (const size_t count : {1, 2, 7, 64}) {
    std::vector<Ids> texts = random_texts(count, 500);
    texts.push_back(texts.front());
    const std::vector<Vector> together = embed(*engine, texts);
    for (size_t i = 0; i < texts.size(); ++i) {
      INFO("text " << i << " of " << texts.size());
      CHECK(cosine(together[i], embed(*engine, {texts[i]}).front()) >= 0.99999);
    }
    CHECK(cosine(together.front(), together.back()) >= 0.99999);
  }
}

TEST_CASE("the number of threads does not change a vector") {
  const std::vector<Ids> texts = random_texts(9, 300);
  const std::vector<Vector> expected = embed(*started_fixture("q4_K", 1), texts);
  for (const uint32_t threads : {2, 7}) {
    const std::vector<Vector> vectors = embed(*started_fixture("q4_K", threads), texts);
    for (size_t i = 0; i < texts.size(); ++i) CHECK(cosine(vectors[i], expected[i]) >= 0.99999);
  }
}

TEST_CASE("an engine describes its model from the file") {
  const auto engine = started({.source = {{}, RUNED_BUILTIN_MODEL}, .kernel = "portable"});
  const auto& info = engine->info();
  CHECK(info.engine == "native");
  CHECK(info.model_name == "runed-mini");
  CHECK(info.model_sha256 == builtin_model_sha256());
  CHECK(info.compute == "f32");
  CHECK(info.kernel == "portable");
  CHECK(info.dimension == 256);
  CHECK(info.max_tokens == 512);
}

TEST_CASE("a large model has passes of few tokens, a small one of many") {
  using runed::embed::native::fit_batch_tokens;
  // Qwen3-Embedding-0.6B, and models of the size of the built-in one and between.
  CHECK(fit_batch_tokens({.layers = 28,
                          .width = 1024,
                          .heads = 16,
                          .kv_heads = 8,
                          .head_width = 128,
                          .ff_width = 3072}) == 512);
  CHECK(fit_batch_tokens({.layers = 3,
                          .width = 256,
                          .heads = 4,
                          .kv_heads = 2,
                          .head_width = 64,
                          .ff_width = 768}) == 2048);
  CHECK(fit_batch_tokens({.layers = 6,
                          .width = 512,
                          .heads = 4,
                          .kv_heads = 2,
                          .head_width = 64,
                          .ff_width = 1024}) == 728);
}

TEST_CASE("an engine that was stopped serves the same model when started again") {
  const auto engine = started({.source = {builtin_model(), ""}});
  const Vector before = embed(*engine, {{1, 2, 3}}).front();
  CHECK(engine->last_useful_work() > runed::SteadyTime{});
  const auto held = engine->tokenizer();
  engine->stop();
  engine->stop();
  CHECK(engine->tokenizer() == nullptr);
  CHECK(unwrap_error(try_embed(*engine, {{1}})).code == ErrorCode::unavailable);
  CHECK(unwrap(held->tokenize("still here")).size() > 1);
  unwrap(engine->start());
  unwrap(engine->start());
  CHECK(embed(*engine, {{1, 2, 3}}).front() == before);
}

TEST_CASE("a batch that cannot be computed is refused") {
  const auto engine = started_fixture("q8_0");
  CHECK(embed(*engine, {}).empty());
  const Error empty = unwrap_error(try_embed(*engine, {{1}, {}}));
  CHECK(empty.code == ErrorCode::empty_text);
  CHECK(empty.message == "text 1 has no tokens");
  const Error unknown = unwrap_error(try_embed(*engine, {{1, 320}}));
  CHECK(unknown.code == ErrorCode::model_corrupt);
  CHECK(unknown.message == "token 320 is outside the vocabulary of 320");
  const Error too_long = unwrap_error(try_embed(*engine, {Ids(1025, 1)}));
  CHECK(too_long.code == ErrorCode::text_too_long);
  CHECK(too_long.message == "text 0 has 1025 tokens; the model takes 1024");
}

TEST_CASE("a batch that is not wanted any more is given up, and the next one is right") {
  const auto engine = started_fixture("q8_0");
  const std::vector<Ids> texts = random_texts(4, 60);
  const std::vector<Vector> expected = embed(*engine, texts);
  // As long as it takes until somebody looks.
  const std::vector<Ids> many(3000, Ids(60, 1));
  const std::function<bool()> no = [] { return false; };
  CHECK(unwrap_error(try_embed(*engine, many, &no)).code == ErrorCode::cancelled);
  CHECK(embed(*engine, texts) == expected);
  int asked = 0;
  const std::function<bool()> yes = [&] { return ++asked > 0; };
  CHECK(unwrap(try_embed(*engine, many, &yes)).size() == many.size());
  CHECK(asked > 0);
}

TEST_CASE("an engine that was interrupted computes nothing any more") {
  const auto engine = started_fixture("q8_0");
  const std::vector<Ids> many(3000, Ids(60, 1));
  const std::function<bool()> interrupt = [&] {
    engine->interrupt();
    return true;
  };
  CHECK(unwrap_error(try_embed(*engine, many, &interrupt)).code == ErrorCode::shutting_down);
  CHECK(unwrap_error(try_embed(*engine, {{1}})).code == ErrorCode::shutting_down);
  engine->stop();
  CHECK(unwrap_error(engine->start()).code == ErrorCode::shutting_down);
}

TEST_CASE("a vector that is not finite does not leave the engine") {
  auto bytes = read_file(fixture_path("f16"));
  auto engine = started({.source = {bytes, ""}, .sha256 = std::string(64, '0')});
  const Ids text{5, 6};
  CHECK(length(embed(*engine, {text}).front()) == Approx(1));
  const runed::embed::Gguf gguf = unwrap(runed::embed::Gguf::parse(bytes));
  const auto norm = gguf.find_tensor("output_norm.weight")->data;
  const float nan = std::numeric_limits<float>::quiet_NaN();
  std::memcpy(bytes.data() + (norm.data() - bytes.data()), &nan, sizeof nan);
  engine = started({.source = {bytes, ""}, .sha256 = std::string(64, '0')});
  const Error error = unwrap_error(try_embed(*engine, {text}));
  CHECK(error.code == ErrorCode::not_finite);
  CHECK(error.message == "the result of text 0 is not finite");
}

TEST_CASE("an engine that cannot be made or started says why") {
  const auto refusal = [](NativeOptions options) {
    return unwrap_error(NativeEngine::create(std::move(options), kClock));
  };
  CHECK(refusal({.threads = 0}).message == "0 threads are not from 1 to 64");
  CHECK(refusal({.threads = 65}).code == ErrorCode::invalid_argument);
  CHECK(refusal({.kernel = "mmx"}).message == "no kernel 'mmx' for this CPU");
  const auto missing = unwrap(NativeEngine::create({.source = {{}, "/no/such.gguf"}}, kClock));
  CHECK(unwrap_error(missing->start()).code == ErrorCode::model_missing);
}

TEST_CASE("a vocabulary without tensors tokenizes, but does not start") {
  const ModelSource source{{}, RUNED_TEST_DATA_UNPACKED "/qwen3-vocab.gguf"};
  const auto file = unwrap(ModelFile::open(source));
  const auto gguf = unwrap(Gguf::parse(file->bytes()));
  const auto tokenizer = unwrap(
      BytePairTokenizer::create(gguf, unwrap(runed::embed::recognise_model(gguf, {}, {})).frame));
  CHECK(unwrap(tokenizer->tokenize("hello")).back() == 151643);
  const auto engine = unwrap(NativeEngine::create({.source = source}, kClock));
  const Error error = unwrap_error(engine->start());
  CHECK(error.code == ErrorCode::model_corrupt);
  CHECK(error.message ==
        "cannot use the model '" + source.path + "': the model has no tensor 'token_embd.weight'");
}
