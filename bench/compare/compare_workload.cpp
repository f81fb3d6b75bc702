#include "compare_workload.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <random>

namespace runed::bench {

std::vector<Workload> make_workloads(bool with_long, uint32_t queries, uint32_t context) {
  std::vector<Workload> workloads{{.tokens_each = 12, .repeats = queries},
                                  {.tokens_each = 128},
                                  {.tokens_each = 512},
                                  {.texts = 32, .tokens_each = 24}};
  if (with_long) workloads.push_back({.tokens_each = 2048});
  for (Workload& workload : workloads) {
    workload.tokens_each = std::min(workload.tokens_each, context - 1);
    workload.name = workload.texts == 1
                        ? fmt::format("{} tokens", workload.tokens_each)
                        : fmt::format("{} x {} tokens", workload.texts, workload.tokens_each);
  }
  return workloads;
}

Texts make_texts(const Workload& workload, uint64_t vocabulary, uint64_t seed) {
  std::mt19937_64 random(seed);
  Texts texts;
  texts.ids.reserve(workload.tokens());
  for (uint32_t i = 0; i < workload.tokens(); ++i) {
    texts.ids.push_back(static_cast<embed::TokenId>(random() % vocabulary));
  }
  for (uint32_t i = 0; i <= workload.texts; ++i) texts.offsets.push_back(i * workload.tokens_each);
  return texts;
}

double least_cosine(const std::vector<float>& a, const std::vector<float>& b, size_t rows) {
  const size_t dimension = a.size() / rows;
  double least = 1;
  for (size_t row = 0; row < rows; ++row) {
    double sum = 0;
    for (size_t i = row * dimension; i < (row + 1) * dimension; ++i) sum += double{a[i]} * b[i];
    least = std::min(least, sum);
  }
  return least;
}

}  // namespace runed::bench
