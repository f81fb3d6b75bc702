#include "load_tally.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace runed::bench {
namespace {

constexpr size_t kMostCompared = 500;  // With each other: enough to see whether texts differ.

// Of vectors of unit length; -1 of different lengths.
double cosine(std::span<const float> a, std::span<const float> b) {
  if (a.size() != b.size()) return -1;
  return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
}

}  // namespace

void LoadTally::add(const LoadTally& other) {
  calls += other.calls;
  texts += other.texts;
  tokens += other.tokens;
  cancelled += other.cancelled;
  unanswered += other.unanswered;
  lost += other.lost;
  twice += other.twice;
  wrong += other.wrong;
  least_cosine = std::min(least_cosine, other.least_cosine);
  stalled_writes += other.stalled_writes;
  for (const auto& [reason, count] : other.errors) errors[reason] += count;
  latencies_ms.insert(latencies_ms.end(), other.latencies_ms.begin(), other.latencies_ms.end());
}

void LoadTally::fail(const Error& error) {
  std::string reason(name_of(error.code));
  // Of these two the name does not tell what happened.
  const bool is_vague = error.code == ErrorCode::unavailable || error.code == ErrorCode::internal;
  if (is_vague) reason += ": " + error.message;
  ++errors[reason];
}

void ExpectedVectors::check(uint64_t number, std::span<const float> vector,
                            LoadTally& tally) const {
  const double found = number < vectors_.size() ? cosine(vector, vectors_[number]) : -1;
  tally.least_cosine = std::min(tally.least_cosine, found);
  if (!(found >= least_cosine_)) ++tally.wrong;
}

double ExpectedVectors::most_alike() const {
  double most = -1;
  for (size_t i = 0; i < std::min(vectors_.size(), kMostCompared); ++i) {
    for (size_t j = 0; j < i; ++j) most = std::max(most, cosine(vectors_[i], vectors_[j]));
  }
  return most;
}

double percentile(std::vector<float>& values, double share) {
  if (values.empty()) return 0;
  const auto rank = static_cast<ptrdiff_t>(std::ceil(share * static_cast<double>(values.size())));
  const auto at = values.begin() + std::max<ptrdiff_t>(rank - 1, 0);
  std::ranges::nth_element(values, at);
  return *at;
}

}  // namespace runed::bench
