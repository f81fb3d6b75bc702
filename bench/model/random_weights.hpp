#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>

#include "model_shape.hpp"

namespace runed::bench {

/// Random weights: a row of a tensor is always the same for a seed, whoever asks for it and when.
///
/// Matrices are normal with a deviation of 1/sqrt(columns), so that what comes out of one is as
/// large as what the norm before it let in, in whatever layer. Heavy tails are what trained models
/// have: a few channels that their norms make 20 to 50 times as large as the others.
class RandomWeights {
 public:
  RandomWeights(uint64_t seed, bool heavy_tailed);

  /// Writes one row of a tensor.
  /// Shapes: values [tensor.columns]. Thread-safe.
  void fill(const TensorPlan& tensor, uint64_t row, std::span<float> values) const;

 private:
  // The normal distribution's quantiles in equal steps of probability: a number of 16 random bits
  // is one load away.
  using Quantiles = std::array<float, 65536>;

  const uint64_t seed_;
  const bool heavy_tailed_;
  std::unique_ptr<const Quantiles> quantiles_;
};

}  // namespace runed::bench
