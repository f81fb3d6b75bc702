#include "embed/native/pass/rank_head.hpp"

#include <cmath>
#include <numbers>
#include <vector>

#include "embed/native/pass/pooling.hpp"

namespace runed::embed::native {
namespace {

double activate(RankHead::Activation activation, double value) {
  switch (activation) {
    case RankHead::Activation::tanh:
      return std::tanh(value);
    case RankHead::Activation::gelu:
      break;
  }
  return value * 0.5 * (1 + std::erf(value / std::numbers::sqrt2));
}

// A layer norm without bias. Source: Ba et al., Layer Normalization (arXiv:1607.06450), section 3.
void normalize(std::vector<double>& state, const NormWeights& norm, double epsilon) {
  const auto width = static_cast<double>(state.size());
  double mean = 0;
  for (const double value : state) mean += value / width;
  double variance = 0;
  for (const double value : state) variance += (value - mean) * (value - mean) / width;
  const double scale = 1 / std::sqrt(variance + epsilon);
  for (size_t i = 0; i < state.size(); ++i) {
    state[i] = (state[i] - mean) * scale * static_cast<double>(norm.weight[i]);
  }
}

}  // namespace

float score_pair(const ModelSpec& spec, const Weights& weights, const Kernel& kernel,
                 const float* rows, size_t stride, size_t count) {
  const RankHead& head = spec.rank;
  std::vector<double> state = mean_of(rows, stride, count, spec.width);
  if (head.has_dense) {
    state = multiply(weights.rank.dense, kernel, state);
    for (double& value : state) value = activate(head.activation, value);
  }
  if (head.has_norm) normalize(state, weights.rank.norm, static_cast<double>(spec.norm_epsilon));
  const std::vector<double> outputs = multiply(weights.rank.output, kernel, state);
  const double score =
      head.score == RankHead::Score::log_odds ? outputs[0] - outputs[1] : outputs[0];
  return static_cast<float>(score);
}

}  // namespace runed::embed::native
