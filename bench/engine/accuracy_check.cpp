#include "accuracy_check.hpp"

#include <algorithm>
#include <cmath>

#include "bench.hpp"

namespace runed::bench {
namespace {

constexpr size_t kShortTokens = 256;

Vectors vectors_of(std::vector<Embedding> embeddings) {
  Vectors vectors;
  for (Embedding& embedding : embeddings) vectors.push_back(std::move(embedding.vector));
  return vectors;
}

// Divided by the lengths, which are one to f32 only: that would show in the seventh digit.
double cosine(const Vector& a, const Vector& b) {
  double product = 0;
  double squares_a = 0;
  double squares_b = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    product += double{a[i]} * double{b[i]};
    squares_a += double{a[i]} * double{a[i]};
    squares_b += double{b[i]} * double{b[i]};
  }
  return product / std::sqrt(squares_a * squares_b);
}

Agreement worse_of(const Agreement& a, const Agreement& b) {
  return {std::min(a.mean, b.mean), std::min(a.least, b.least)};
}

// A long text would take most of the time, and goes the same ways.
std::vector<embed::PreparedText> short_texts(std::span<const embed::PreparedText> texts) {
  std::vector<embed::PreparedText> chosen;
  std::ranges::copy_if(texts, std::back_inserter(chosen),
                       [](const auto& text) { return text.ids.size() <= kShortTokens; });
  return chosen;
}

}  // namespace

Agreement compare(const Vectors& found, const Vectors& expected) {
  require(found.size() == expected.size() && !found.empty(), "nothing to compare");
  Agreement agreement{.mean = 0, .least = 1};
  for (size_t i = 0; i < found.size(); ++i) {
    const double one = cosine(found[i], expected[i]);
    agreement.mean += one / static_cast<double>(found.size());
    agreement.least = std::min(agreement.least, one);
  }
  return agreement;
}

// Of f32 only the order of the sums differs between instruction sets.
Limits limits_of(const std::string& compute, bool heavy) {
  if (compute == "f32") return {0.999999, 0.99999};
  if (compute == "int8") return heavy ? Limits{0.98, 0} : Limits{0.999, 0};
  return heavy ? Limits{0.997, 0} : Limits{0.9995, 0};
}

bool Accuracy::keeps(const Limits& limits) const {
  return to_f32.mean >= limits.to_f32_mean && to_f32.least >= limits.to_f32_least &&
         batched.least >= kLeastBetweenBatches && threads.least >= kLeastBetweenThreads;
}

Vectors embed_alone(embed::Engine& engine, std::span<const embed::PreparedText> texts) {
  Vectors vectors;
  for (const embed::PreparedText& text : texts) {
    vectors.push_back(embed_together(engine, {&text, 1}).front());
  }
  return vectors;
}

Vectors embed_together(embed::Engine& engine, std::span<const embed::PreparedText> texts) {
  std::vector<const embed::PreparedText*> all;
  for (const embed::PreparedText& text : texts) all.push_back(&text);
  return vectors_of(value(embed::embed_pass(engine, all)));
}

Accuracy measure_accuracy(const Model& model, const Mode& mode, uint32_t threads,
                          std::span<const embed::PreparedText> texts, const Vectors& f32) {
  Accuracy accuracy{.mode = mode};
  {
    const auto engine = start_engine(model, mode, threads);
    accuracy.alone = embed_alone(*engine, texts);
    accuracy.to_f32 = compare(accuracy.alone, f32);
    accuracy.batched = compare(embed_together(*engine, texts), accuracy.alone);
  }
  const auto on_threads = [&](uint32_t count) {
    return embed_together(*start_engine(model, mode, count), short_texts(texts));
  };
  const Vectors expected = on_threads(1);
  for (const uint32_t count : {2U, 7U}) {
    accuracy.threads = worse_of(accuracy.threads, compare(on_threads(count), expected));
  }
  return accuracy;
}

}  // namespace runed::bench
