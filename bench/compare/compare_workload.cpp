#include "compare_workload.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <random>

namespace runed::bench {

namespace {

constexpr uint32_t kMostQueryTokens = 32;

std::string name_of(const Workload& workload) {
  const std::string name =
      workload.texts == 1 ? fmt::format("{} tokens", workload.tokens_each)
                          : fmt::format("{} x {} tokens", workload.texts, workload.tokens_each);
  return workload.idle.count() > 0 ? name + ", idle" : name;
}

// One text: the middle is random tokens, or a piece of the source from a random place on.
void append_text(const TextSource& source, uint32_t tokens, std::mt19937_64& random,
                 std::vector<embed::TokenId>& ids) {
  const size_t begin = ids.size();
  const size_t first = source.ids.size() > tokens ? random() % (source.ids.size() - tokens) : 0;
  for (uint32_t i = 0; i < tokens; ++i) {
    ids.push_back(source.ids.empty() ? static_cast<embed::TokenId>(random() % source.vocabulary)
                                     : source.ids[(first + i) % source.ids.size()]);
  }
  const auto& before = source.frame.before;
  const auto& after = source.frame.after;
  if (before.size() + after.size() >= tokens) return;
  std::ranges::copy(before, ids.begin() + static_cast<std::ptrdiff_t>(begin));
  std::ranges::copy(after, ids.end() - static_cast<std::ptrdiff_t>(after.size()));
}

}  // namespace

std::vector<Workload> make_workloads(const WorkloadOptions& options, uint32_t most_tokens) {
  std::vector<Workload> workloads;
  for (const uint32_t wanted : options.lengths) {
    const uint32_t length = std::min(wanted, most_tokens);
    const uint32_t repeats = length > kMostQueryTokens ? options.documents : options.queries;
    workloads.push_back({.tokens_each = length, .repeats = repeats});
  }
  if (options.idle.count() > 0) {
    for (size_t i = 0; i < options.lengths.size(); ++i) {
      workloads.push_back(workloads[i]);
      workloads.back().idle = options.idle;
    }
  }
  workloads.push_back({.texts = 32,
                       .tokens_each = std::min(uint32_t{24}, most_tokens),
                       .repeats = options.documents});
  for (Workload& workload : workloads) workload.name = name_of(workload);
  return workloads;
}

Texts make_texts(const Workload& workload, const TextSource& source, uint64_t seed) {
  std::mt19937_64 random(seed);
  Texts texts;
  texts.ids.reserve(workload.tokens());
  for (uint32_t i = 0; i < workload.texts; ++i) {
    append_text(source, workload.tokens_each, random, texts.ids);
  }
  for (uint32_t i = 0; i <= workload.texts; ++i) texts.offsets.push_back(i * workload.tokens_each);
  return texts;
}

double least_cosine(const std::vector<float>& a, const std::vector<float>& b, size_t rows) {
  const size_t dimension = a.size() / rows;
  double least = 1;
  for (size_t row = 0; row < rows; ++row) {
    double sum = 0;
    double squares_a = 0;
    double squares_b = 0;
    for (size_t i = row * dimension; i < (row + 1) * dimension; ++i) {
      sum += double{a[i]} * b[i];
      squares_a += double{a[i]} * a[i];
      squares_b += double{b[i]} * b[i];
    }
    least = std::min(least, sum / std::sqrt(squares_a * squares_b));
  }
  return least;
}

}  // namespace runed::bench
