#include "embed/self_test.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <span>
#include <string_view>
#include <utility>

#include "embed/request.hpp"
#include "embed/rerank_self_test.hpp"

namespace runed::embed {
namespace {

constexpr double kMostNormError = 1e-3;
constexpr double kLeastSameCosine = 0.9999;

// Past the 512 tokens that llama.cpp computes at once by default, where engines have differed.
constexpr uint32_t kMostTokens = 600;

struct Sample {
  std::string_view text;
  InputType input_type;
};

// The first four have published scores; the others differ in length and script (Japanese, German,
// then Arabic, Devanagari, an emoji and code).
// Source: Qwen3-Embedding-0.6B model card, "Sentence Transformers Usage", for texts and scores.
constexpr std::array kSamples{
    Sample{"What is the capital of China?", InputType::query},
    Sample{"Explain gravity", InputType::query},
    Sample{"The capital of China is Beijing.", InputType::document},
    Sample{"Gravity is a force that attracts two bodies towards each other. It gives weight to "
           "physical objects and is responsible for the movement of planets around the sun.",
           InputType::document},
    Sample{"a", InputType::document},
    Sample{"\u6c34\u306f\u767e\u5ea6\u3067\u6cb8\u9a30\u3059\u308b\u3002", InputType::document},
    Sample{"Wie hoch ist die Zugspitze \u00fcber dem Meer?", InputType::query},
    Sample{"\u0645\u0631\u062d\u0628\u0627 \u0928\u092e\u0938\u094d\u0924\u0947 \U0001F30D\n"
           "int main() { return 0; }",
           InputType::document},
};

constexpr size_t kPublishedTexts = 4;
constexpr std::string_view kPublishedPrompt =
    "Instruct: Given a web search query, retrieve relevant passages that answer the query\nQuery:";

// The first query with both documents, then the second.
constexpr std::array kPublishedScores{0.7646, 0.1414, 0.1355, 0.6000};
constexpr double kMostScoreError = 0.02;

// Of the published files, as the built-in manifest has them.
constexpr std::array<std::string_view, 2> kQwen3Digests{RUNED_QWEN3_Q8_0_SHA256,
                                                        RUNED_QWEN3_F16_SHA256};

using Vector = std::vector<float>;

/// A text with all its vectors.
struct Measured {
  PreparedText text;
  Vector alone;
  std::vector<Vector> in_batches;
};

std::string long_text() {
  std::string text;
  for (int i = 1; i <= 60; ++i) {
    text += fmt::format("On day {} the river rose by {} centimetres and fell again. ", i, i * 7);
  }
  return text;
}

Result<std::vector<Measured>> prepare_samples(const ModelInfo& model, const Tokenizer& tokenizer) {
  const uint32_t limit = std::min(model.max_tokens, kMostTokens);
  std::vector<Measured> samples;
  const auto add = [&](std::string_view text, InputType input_type) -> Status {
    const EmbedOptions options{.input_type = input_type, .truncate = Truncate::right};
    TRY_ASSIGN(PreparedText prepared, prepare_text(text, options, model.spec, tokenizer, limit));
    samples.push_back({.text = std::move(prepared)});
    return {};
  };
  for (const Sample& sample : kSamples) TRY(add(sample.text, sample.input_type));
  TRY(add(long_text(), InputType::document));
  return samples;
}

// The long text comes last, and only once in a batch: it is most of the work.
Status embed_samples(Engine& engine, std::vector<Measured>& samples,
                     const std::function<bool()>& is_cancelled) {
  const auto check = [&is_cancelled]() -> Status {
    if (is_cancelled && is_cancelled()) return make_error(ErrorCode::cancelled, "interrupted");
    return {};
  };
  for (Measured& sample : samples) {
    TRY(check());
    TRY_ASSIGN(auto alone, embed_all(engine, {&sample.text, 1}));
    sample.alone = std::move(alone.front().vector);
  }
  for (Measured& sample : std::span(samples).first(kSamples.size())) {
    TRY(check());
    const std::array twice{sample.text, sample.text};
    TRY_ASSIGN(auto pair, embed_all(engine, twice));
    for (Embedding& embedding : pair) sample.in_batches.push_back(std::move(embedding.vector));
  }
  TRY(check());
  std::vector<PreparedText> mixed;
  mixed.reserve(samples.size());
  for (const Measured& sample : samples) mixed.push_back(sample.text);
  // A short text, the long one, then all others.
  std::rotate(mixed.begin(), mixed.end() - 2, mixed.end());
  TRY_ASSIGN(auto together, embed_all(engine, mixed));
  std::rotate(together.begin(), together.begin() + 2, together.end());
  for (size_t i = 0; i < samples.size(); ++i) {
    samples[i].in_batches.push_back(std::move(together[i].vector));
  }
  return {};
}

double dot(const Vector& a, const Vector& b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    sum += static_cast<double>(a[i]) * static_cast<double>(b[i]);
  }
  return sum;
}

// That of a vector of zeros is 0.
double cosine(const Vector& a, const Vector& b) {
  const double lengths = std::sqrt(dot(a, a) * dot(b, b));
  return lengths > 0 ? dot(a, b) / lengths : 0;
}

template <typename Visit>
void for_each_vector(const std::vector<Measured>& samples, const Visit& visit) {
  for (const Measured& sample : samples) {
    visit(sample.alone);
    for (const Vector& vector : sample.in_batches) visit(vector);
  }
}

SelfTestCheck check_finite(const std::vector<Measured>& samples) {
  size_t count = 0;
  size_t bad = 0;
  for_each_vector(samples, [&](const Vector& vector) {
    ++count;
    if (!std::ranges::all_of(vector, [](float value) { return std::isfinite(value); })) ++bad;
  });
  return {"finite", bad == 0, fmt::format("{} of {} vectors not finite", bad, count)};
}

SelfTestCheck check_unit_norm(const std::vector<Measured>& samples) {
  size_t count = 0;
  double worst = 1;
  for_each_vector(samples, [&](const Vector& vector) {
    ++count;
    const double norm = std::sqrt(dot(vector, vector));
    if (std::abs(norm - 1) > std::abs(worst - 1)) worst = norm;
  });
  return {"unit_norm", std::abs(worst - 1) <= kMostNormError,
          fmt::format("worst norm {:.7f} of {}", worst, count)};
}

SelfTestCheck check_batch_invariance(const std::vector<Measured>& samples) {
  size_t count = 0;
  double worst = 1;
  for (const Measured& sample : samples) {
    for (const Vector& vector : sample.in_batches) {
      ++count;
      worst = std::min(worst, cosine(sample.alone, vector));
    }
  }
  return {"batch_invariance", worst >= kLeastSameCosine,
          fmt::format("worst cosine {:.7f} of {}", worst, count)};
}

// Texts that a low token limit has made equal are not compared.
SelfTestCheck check_distinct(const std::vector<Measured>& samples) {
  size_t count = 0;
  double closest = -1;
  for (size_t i = 0; i < samples.size(); ++i) {
    for (size_t j = 0; j < i; ++j) {
      if (samples[i].text.ids == samples[j].text.ids) continue;
      ++count;
      closest = std::max(closest, cosine(samples[i].alone, samples[j].alone));
    }
  }
  return {"distinct", closest < kLeastSameCosine,
          fmt::format("closest cosine {:.7f} of {} pairs", closest, count)};
}

// By the digest of a published file, or by name: converters write `Qwen3 Embedding 0.6b`, with and
// without hyphens. A longer name is that of a fine-tuned model, which scores otherwise.
bool is_qwen3_embedding(const ModelInfo& model) {
  if (std::ranges::find(kQwen3Digests, model.model_sha256) != kQwen3Digests.end()) return true;
  constexpr std::string_view kName = "qwen3-embedding-0.6b";
  return model.dimension == 1024 &&
         std::ranges::equal(model.model_name, kName, [](char found, char expected) {
           if (found == ' ' || found == '_') found = '-';
           if (found >= 'A' && found <= 'Z') found = static_cast<char>(found - 'A' + 'a');
           return found == expected;
         });
}

bool is_prompted_as_published(const ModelSpec& spec) {
  return prompt_for({.input_type = InputType::query}, spec) == kPublishedPrompt &&
         prompt_for({.input_type = InputType::document}, spec).empty();
}

bool has_published_scores(const ModelInfo& model, const std::vector<Measured>& samples) {
  return is_qwen3_embedding(model) && is_prompted_as_published(model.spec) &&
         std::ranges::all_of(std::span(samples).first(kPublishedTexts),
                             [](const auto& sample) { return sample.text.tokens_dropped == 0; });
}

SelfTestCheck check_published_scores(const std::vector<Measured>& samples) {
  std::array<double, kPublishedScores.size()> scores{};
  bool passed = true;
  for (size_t i = 0; i < scores.size(); ++i) {
    scores[i] = cosine(samples[i / 2].alone, samples[2 + i % 2].alone);
    if (!(std::abs(scores[i] - kPublishedScores[i]) <= kMostScoreError)) passed = false;
  }
  std::string detail =
      fmt::format("{:.4f} {:.4f} / {:.4f} {:.4f}", scores[0], scores[1], scores[2], scores[3]);
  if (!passed) {
    detail += fmt::format(", published {:.4f} {:.4f} / {:.4f} {:.4f}", kPublishedScores[0],
                          kPublishedScores[1], kPublishedScores[2], kPublishedScores[3]);
  }
  return {"published_scores", passed, std::move(detail)};
}

}  // namespace

Result<std::vector<SelfTestCheck>> run_self_test(Engine& engine,
                                                 const std::function<bool()>& is_cancelled) {
  if (engine.info().spec.head == Head::rank) return run_rerank_self_test(engine, is_cancelled);
  const auto tokenizer = engine.tokenizer();
  if (tokenizer == nullptr) return make_error(ErrorCode::unavailable, "the engine is not started");
  TRY_ASSIGN(auto samples, prepare_samples(engine.info(), *tokenizer));
  const Status embedded = embed_samples(engine, samples, is_cancelled);
  if (!embedded && embedded.error().code == ErrorCode::not_finite) {
    return std::vector<SelfTestCheck>{{"finite", false, embedded.error().message}};
  }
  TRY(embedded);
  std::vector<SelfTestCheck> checks{check_finite(samples)};
  if (!checks.front().passed) return checks;
  checks.push_back(check_unit_norm(samples));
  checks.push_back(check_batch_invariance(samples));
  checks.push_back(check_distinct(samples));
  if (has_published_scores(engine.info(), samples)) {
    checks.push_back(check_published_scores(samples));
  }
  return checks;
}

}  // namespace runed::embed
