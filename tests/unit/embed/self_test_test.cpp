#include "embed/self_test.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>

#include "base/json.hpp"
#include "embed/model/builtin_model.hpp"
#include "embed/native/isa/kernel_choice.hpp"
#include "embed/native/native_engine.hpp"
#include "fake_engine.hpp"
#include "support/read_file.hpp"
#include "support/result_matchers.hpp"

using runed::ErrorCode;
using runed::Json;
using runed::SystemClock;
using runed::embed::builtin_model;
using runed::embed::builtin_model_sha256;
using runed::embed::PackedBatch;
using runed::embed::run_self_test;
using runed::embed::SelfTestCheck;
using runed::embed::TokenId;
using runed::embed::native::available_kernels;
using runed::embed::native::NativeEngine;
using runed::embed::native::NativeOptions;
using runed::test::FakeEngine;
using runed::test::read_file;
using runed::test::unwrap;
using runed::test::unwrap_error;

namespace {

using Checks = std::vector<SelfTestCheck>;
using Names = std::vector<std::string>;
using Ids = std::span<const TokenId>;
using Vector = FakeEngine::Vector;

const Names kAnyModel{"finite", "unit_norm", "batch_invariance", "distinct"};
const Names kQwen3{"finite", "unit_norm", "batch_invariance", "distinct", "published_scores"};

Names names_of(const Checks& checks) {
  Names names;
  for (const SelfTestCheck& check : checks) names.push_back(check.name);
  return names;
}

Names failures_of(const Checks& checks) {
  Names names;
  for (const SelfTestCheck& check : checks) {
    if (!check.passed) names.push_back(check.name);
  }
  return names;
}

std::string detail_of(const Checks& checks, std::string_view name) {
  const auto found = std::ranges::find(checks, name, &SelfTestCheck::name);
  return found == checks.end() ? "no such check" : found->detail;
}

Checks check_native(NativeOptions options) {
  const SystemClock clock;
  const auto engine = unwrap(NativeEngine::create(std::move(options), clock));
  unwrap(engine->start());
  return unwrap(run_self_test(*engine));
}

Vector random_vector(Ids ids, uint32_t dimension = 64) {
  return FakeEngine::random_vector(ids, dimension);
}

std::string text_of(Ids ids) {
  return {ids.begin(), ids.end() - 1};
}

// Vectors that score as published, all but the first score, which is to be given.
FakeEngine fake_qwen3(double first_score) {
  FakeEngine fake;
  fake.model.model_name = "Qwen3 Embedding 0.6B";
  fake.model.dimension = 1024;
  fake.model.spec.prompts = {
      {.query = {.prefix = "Instruct: {task}\nQuery:",
                 .default_task = "Given a web search query, retrieve relevant passages that "
                                 "answer the query"},
       .document = {}},
      runed::embed::FactSource::known_model};
  fake.vector_of = [first_score](Ids ids, const PackedBatch&) {
    const auto scoring = [](double first, double second, size_t rest) {
      Vector vector(1024);
      vector[0] = static_cast<float>(first);
      vector[1] = static_cast<float>(second);
      vector[rest] = static_cast<float>(std::sqrt(1 - first * first - second * second));
      return vector;
    };
    constexpr std::string_view kPrompt =
        "Instruct: Given a web search query, retrieve relevant passages that answer the query\n"
        "Query:";
    const std::string text = text_of(ids);
    if (text == fmt::format("{}What is the capital of China?", kPrompt)) return scoring(1, 0, 2);
    if (text == fmt::format("{}Explain gravity", kPrompt)) return scoring(0, 1, 2);
    if (text == "The capital of China is Beijing.") return scoring(first_score, 0.1355, 2);
    if (text.starts_with("Gravity is a force") && text.ends_with("planets around the sun.")) {
      return scoring(0.1414, 0.6, 3);
    }
    return random_vector(ids, 1024);
  };
  return fake;
}

}  // namespace

TEST_CASE("the self-test passes on the built-in model, on every kernel") {
  for (const auto* kernel : available_kernels()) {
    INFO("kernel " << kernel->name);
    const Checks checks = check_native({.source = {builtin_model(), ""},
                                        .sha256 = std::string(builtin_model_sha256()),
                                        .threads = 2,
                                        .kernel = std::string(kernel->name)});
    CHECK(names_of(checks) == kAnyModel);
    CHECK(failures_of(checks).empty());
  }
}

TEST_CASE("the self-test passes on every fixture") {
  for (const std::string type : {"f16", "q8_0", "q6_K", "q5_K", "q4_K"}) {
    INFO(type);
    const std::string path = RUNED_TEST_DATA_UNPACKED "/qwen3-3x256." + type + ".gguf";
    const Checks checks = check_native({.source = {{}, path}, .threads = 2});
    CHECK(names_of(checks) == kAnyModel);
    CHECK(failures_of(checks).empty());
  }
}

TEST_CASE("a low token limit, which makes some texts equal, fails no check") {
  const Checks checks = check_native({.source = {builtin_model(), ""},
                                      .sha256 = std::string(builtin_model_sha256()),
                                      .max_tokens = 5});
  CHECK(names_of(checks) == kAnyModel);
  CHECK(failures_of(checks).empty());
}

TEST_CASE("texts are embedded alone, twice and all together, one of them long") {
  FakeEngine fake;
  size_t longest = 0;
  fake.vector_of = [&](Ids ids, const PackedBatch&) {
    longest = std::max(longest, ids.size());
    return random_vector(ids);
  };
  const Checks checks = unwrap(run_self_test(fake));
  CHECK(failures_of(checks).empty());
  CHECK(longest == 600);
  CHECK(std::ranges::count(fake.pass_sizes, 1U) == 9);
  CHECK(std::ranges::count(fake.pass_sizes, 2U) == 8);
  CHECK(std::ranges::count(fake.pass_sizes, 9U) == 1);
  CHECK(detail_of(checks, "finite") == "0 of 34 vectors not finite");
  CHECK(detail_of(checks, "unit_norm").ends_with(" of 34"));
  CHECK(detail_of(checks, "batch_invariance") == "worst cosine 1.0000000 of 25");
  CHECK(detail_of(checks, "distinct").ends_with(" of 36 pairs"));
}

TEST_CASE("a value that is not finite is the only finding, whoever notices it") {
  FakeEngine fake;
  fake.vector_of = [](Ids ids, const PackedBatch& batch) {
    Vector vector = random_vector(ids);
    if (batch.offsets.size() > 3) vector[63] = std::numeric_limits<float>::quiet_NaN();
    return vector;
  };
  const Checks seen = unwrap(run_self_test(fake));
  CHECK(names_of(seen) == Names{"finite"});
  CHECK(failures_of(seen) == Names{"finite"});
  CHECK(detail_of(seen, "finite") == "9 of 34 vectors not finite");

  fake.result = runed::make_error(ErrorCode::not_finite, "the vector of text 0 is not finite");
  const Checks told = unwrap(run_self_test(fake));
  CHECK(failures_of(told) == Names{"finite"});
  CHECK(detail_of(told, "finite") == "the vector of text 0 is not finite");
}

TEST_CASE("a vector of another length fails only that check") {
  const auto check_length = [](float length) {
    FakeEngine fake;
    fake.vector_of = [length](Ids ids, const PackedBatch&) {
      Vector vector = random_vector(ids);
      if (ids.size() != 600) return vector;
      for (float& value : vector) value *= length;
      return vector;
    };
    return unwrap(run_self_test(fake));
  };
  CHECK(failures_of(check_length(0.9992F)).empty());
  CHECK(failures_of(check_length(1.0008F)).empty());
  for (const float length : {0.9F, 0.998F, 1.002F}) {
    CHECK(failures_of(check_length(length)) == Names{"unit_norm"});
  }
  const Checks too_long = check_length(1.1F);
  CHECK(failures_of(too_long) == Names{"unit_norm"});
  CHECK(detail_of(too_long, "unit_norm").starts_with("worst norm 1.1000"));
}

TEST_CASE("a vector that changes among texts of equal or of other lengths fails only that check") {
  for (const size_t texts : {2U, 9U}) {
    FakeEngine fake;
    fake.vector_of = [texts](Ids ids, const PackedBatch& batch) {
      Vector vector = random_vector(ids);
      const bool is_second = ids.data() != batch.ids.data();
      if (is_second && batch.offsets.size() == texts + 1) std::swap(vector[0], vector[1]);
      return vector;
    };
    CHECK(failures_of(unwrap(run_self_test(fake))) == Names{"batch_invariance"});
  }
}

TEST_CASE("a model that answers the same to every text fails only that check") {
  FakeEngine fake;
  const std::vector<TokenId> same{1};
  fake.vector_of = [&](Ids, const PackedBatch&) { return random_vector(same); };
  const Checks checks = unwrap(run_self_test(fake));
  CHECK(failures_of(checks) == Names{"distinct"});
  CHECK(detail_of(checks, "distinct") == "closest cosine 1.0000000 of 36 pairs");
}

TEST_CASE("a vector of zeros has no direction to compare") {
  FakeEngine fake;
  fake.vector_of = [](Ids, const PackedBatch&) { return Vector(64); };
  CHECK(failures_of(unwrap(run_self_test(fake))) == Names{"unit_norm", "batch_invariance"});
}

TEST_CASE("Qwen3-Embedding-0.6B must give its published scores") {
  for (const double score : {0.7646, 0.746, 0.784}) {
    FakeEngine fake = fake_qwen3(score);
    const Checks checks = unwrap(run_self_test(fake));
    CHECK(names_of(checks) == kQwen3);
    CHECK(failures_of(checks).empty());
    CHECK(detail_of(checks, "published_scores") ==
          fmt::format("{:.4f} 0.1414 / 0.1355 0.6000", score));
  }
  for (const double score : {0.744, 0.785}) {
    FakeEngine fake = fake_qwen3(score);
    const Checks checks = unwrap(run_self_test(fake));
    CHECK(failures_of(checks) == Names{"published_scores"});
    CHECK(detail_of(checks, "published_scores") ==
          fmt::format("{:.4f} 0.1414 / 0.1355 0.6000, published 0.7646 0.1414 / 0.1355 0.6000",
                      score));
  }
}

TEST_CASE("Qwen3-Embedding-0.6B is known by its name, however it is spelt, or by its digest") {
  const auto is_known = [](const std::string& name, uint32_t dimension, const std::string& sha256) {
    FakeEngine fake;
    fake.model.model_name = name;
    fake.model.dimension = dimension;
    fake.model.model_sha256 = sha256;
    fake.model.spec = fake_qwen3(0).model.spec;
    return names_of(unwrap(run_self_test(fake))) == kQwen3;
  };
  const std::string other(64, '0');
  CHECK(is_known("Qwen3-Embedding-0.6B", 1024, other));
  CHECK(is_known("qwen3_embedding 0.6b", 1024, other));
  CHECK_FALSE(is_known("Qwen3-Embedding-0.6B", 1023, other));
  CHECK_FALSE(is_known("Qwen3-Embedding-4B", 1024, other));
  CHECK_FALSE(is_known("Qwen3 Embedding 0.6B Legal", 1024, other));
  CHECK_FALSE(is_known("Qwen3 Embedding", 1024, other));
  const auto bytes = read_file(RUNED_BUILTIN_MANIFEST);
  const Json manifest =
      unwrap(runed::parse_json({reinterpret_cast<const char*>(bytes.data()), bytes.size()}));
  size_t published = 0;
  for (const auto& [variant, model] : manifest["models"].items()) {
    if (!variant.starts_with("qwen3-embedding-0.6b.")) continue;
    INFO(variant);
    ++published;
    CHECK(is_known("unnamed", 1024, model["sha256"].get<std::string>()));
  }
  CHECK(published == 2);
}

TEST_CASE("scores of a model whose prompt is not known, or is another one, are not judged") {
  FakeEngine fake = fake_qwen3(0);
  fake.model.spec.prompts.value.query.prefix = "query: ";
  CHECK(names_of(unwrap(run_self_test(fake))) == kAnyModel);
  fake.model.spec = {};
  CHECK(names_of(unwrap(run_self_test(fake))) == kAnyModel);
}

TEST_CASE("scores of texts that a low token limit has cut are not judged") {
  FakeEngine fake = fake_qwen3(0);
  fake.model.max_tokens = 100;
  CHECK(names_of(unwrap(run_self_test(fake))) == kAnyModel);
}

TEST_CASE("an engine that is stopped or fails gives an error, not a finding") {
  FakeEngine failing;
  failing.result = runed::make_error(ErrorCode::unavailable, "the child has gone");
  CHECK(unwrap_error(run_self_test(failing)).message == "the child has gone");
  FakeEngine stopped;
  stopped.stop();
  CHECK(unwrap_error(run_self_test(stopped)).code == ErrorCode::unavailable);
}
