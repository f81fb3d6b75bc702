#include "embed/native/pass/pooling.hpp"

#include <array>
#include <cmath>
#include <vector>

namespace runed::embed::native {
namespace {

using Doubles = std::vector<double>;

// With a sum a lane, so that the compiler may take them together.
double dot(const float* row, const double* in, size_t count) {
  std::array<double, 8> sums{};
  size_t i = 0;
  for (; i + sums.size() <= count; i += sums.size()) {
    for (size_t lane = 0; lane < sums.size(); ++lane) {
      sums[lane] += static_cast<double>(row[i + lane]) * in[i + lane];
    }
  }
  double sum = 0;
  for (; i < count; ++i) sum += static_cast<double>(row[i]) * in[i];
  for (const double each : sums) sum += each;
  return sum;
}

Doubles apply(const DenseLayer& layer, const Matrix& matrix, const Kernel& kernel,
              const Doubles& in) {
  Doubles out = multiply(matrix, kernel, in);
  if (layer.activation == DenseLayer::Activation::tanh) {
    for (double& value : out) value = std::tanh(value);
  }
  return out;
}

}  // namespace

// In double, so that a text of many tokens loses nothing.
Doubles mean_of(const float* rows, size_t stride, size_t count, size_t width) {
  Doubles mean(width);
  for (size_t row = 0; row < count; ++row) {
    for (size_t i = 0; i < width; ++i) mean[i] += static_cast<double>(rows[row * stride + i]);
  }
  for (double& value : mean) value /= static_cast<double>(count);
  return mean;
}

Doubles multiply(const Matrix& matrix, const Kernel& kernel, const Doubles& in) {
  Doubles out(matrix.rows);
  std::vector<float> row(matrix.columns);
  for (size_t output = 0; output < out.size(); ++output) {
    kernel.dequantize(matrix.type, matrix.row(output), row.size(), row.data());
    const double bias = matrix.bias.empty() ? 0 : static_cast<double>(matrix.bias[output]);
    out[output] = bias + dot(row.data(), in.data(), row.size());
  }
  return out;
}

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
