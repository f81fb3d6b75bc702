#include "random_weights.hpp"

#include <cmath>
#include <numbers>

namespace runed::bench {
namespace {

using Role = TensorPlan::Role;

// Of an embedding. The last token is the same in all texts: the larger its embedding beside what
// attention adds, the nearer to each other are the vectors, and the less does rounding move them.
constexpr float kEmbeddingDeviation = 2;
constexpr float kNormDeviation = 0.1F;  // Around 1.
constexpr int kTailChannels = 4;
constexpr float kLeastTail = 20;
constexpr float kMostTail = 50;

// Source: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014 (splitmix64).
uint64_t next(uint64_t& state) {
  uint64_t z = state += 0x9E3779B97F4A7C15u;
  z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
  z = (z ^ z >> 27) * 0x94D049BB133111EBu;
  return z ^ z >> 31;
}

uint64_t mixed(uint64_t a, uint64_t b) {
  uint64_t state = a ^ b * 0xD6E8FEB86659FD93u;
  return next(state);
}

uint64_t hash_of(std::string_view name) {  // FNV-1a.
  uint64_t hash = 0xCBF29CE484222325u;
  for (const char letter : name) hash = (hash ^ static_cast<uint8_t>(letter)) * 0x100000001B3u;
  return hash;
}

double distribution(double x) {
  return 0.5 * std::erfc(-x / std::numbers::sqrt2);
}

double density(double x) {
  return std::exp(-x * x / 2) / std::sqrt(2 * std::numbers::pi);
}

}  // namespace

RandomWeights::RandomWeights(uint64_t seed, bool heavy_tailed)
    : seed_(seed), heavy_tailed_(heavy_tailed) {
  auto quantiles = std::make_unique<Quantiles>();
  const size_t half = quantiles->size() / 2;
  double x = 0;
  for (size_t i = 0; i < half; ++i) {
    const double p = 0.5 + (static_cast<double>(i) + 0.5) / static_cast<double>(2 * half);
    // Right of 0 the distribution is concave, so that Newton's steps never go too far.
    for (int step = 0; step < 10; ++step) x += (p - distribution(x)) / density(x);
    (*quantiles)[half + i] = static_cast<float>(x);
    (*quantiles)[half - 1 - i] = static_cast<float>(-x);
  }
  quantiles_ = std::move(quantiles);
}

void RandomWeights::fill(const TensorPlan& tensor, uint64_t row, std::span<float> values) const {
  uint64_t state = mixed(mixed(seed_, hash_of(tensor.name)), row);
  const bool is_norm = tensor.role == Role::norm || tensor.role == Role::layer_norm;
  float deviation = 1 / std::sqrt(static_cast<float>(tensor.columns));
  if (is_norm) deviation = kNormDeviation;
  if (tensor.role == Role::embedding) deviation = kEmbeddingDeviation;
  const float mean = is_norm ? 1 : 0;
  uint64_t bits = 0;
  for (size_t i = 0; i < values.size(); ++i, bits >>= 16) {
    if (i % 4 == 0) bits = next(state);
    values[i] = mean + deviation * (*quantiles_)[bits & 0xFFFF];
  }
  if (!heavy_tailed_ || tensor.role != Role::layer_norm) return;
  uint64_t channels = seed_;  // The same ones in every layer, as in trained models.
  for (int i = 0; i < kTailChannels; ++i) {
    const float share = static_cast<float>(next(state) >> 40) * 0x1p-24F;
    values[next(channels) % values.size()] *= kLeastTail + share * (kMostTail - kLeastTail);
  }
}

}  // namespace runed::bench
