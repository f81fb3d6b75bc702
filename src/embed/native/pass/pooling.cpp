#include "embed/native/pass/pooling.hpp"

#include <cmath>
#include <vector>

namespace runed::embed::native {
namespace {

using Doubles = std::vector<double>;

// In double, so that a text of many tokens loses nothing.
Doubles mean_of(const float* rows, size_t stride, size_t count, size_t width) {
  Doubles mean(width);
  for (size_t row = 0; row < count; ++row) {
    for (size_t i = 0; i < width; ++i) mean[i] += static_cast<double>(rows[row * stride + i]);
  }
  for (double& value : mean) value /= static_cast<double>(count);
  return mean;
}

Doubles apply(const DenseLayer& layer, const Matrix& matrix, const Kernel& kernel,
              const Doubles& in) {
  Doubles out(layer.outputs);
  std::vector<float> row(layer.inputs);
  for (size_t output = 0; output < out.size(); ++output) {
    kernel.dequantize(matrix.type, matrix.row(output), row.size(), row.data());
    double sum = matrix.bias.empty() ? 0 : static_cast<double>(matrix.bias[output]);
    for (size_t i = 0; i < row.size(); ++i) sum += static_cast<double>(row[i]) * in[i];
    out[output] = layer.activation == DenseLayer::Activation::tanh ? std::tanh(sum) : sum;
  }
  return out;
}

}  // namespace

float pool(const ModelSpec& spec, const Weights& weights, const Kernel& kernel, const float* rows,
           size_t stride, size_t count, std::span<float> out) {
  Doubles vector = mean_of(rows, stride, count, spec.width);
  for (size_t i = 0; i < spec.dense.size(); ++i) {
    vector = apply(spec.dense[i], weights.dense[i], kernel, vector);
  }
  double squares = 0;
  for (const double value : vector) squares += value * value;
  const double norm = std::sqrt(squares);
  for (size_t i = 0; i < out.size(); ++i) out[i] = static_cast<float>(vector[i] / norm);
  return static_cast<float>(norm);
}

}  // namespace runed::embed::native
