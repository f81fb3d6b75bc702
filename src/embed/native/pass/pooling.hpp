#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "embed/engine.hpp"
#include "embed/model/model_spec.hpp"
#include "embed/native/isa/kernel.hpp"
#include "embed/native/pass/weights.hpp"

namespace runed::embed::native {

/// Tells whether the vector of a text is that of one of its tokens, so that the last layer need not
/// compute the others.
constexpr bool is_of_one_token(Pooling pooling) {
  return pooling == Pooling::cls || pooling == Pooling::last;
}

/// Returns the mean of rows, [width].
/// Shapes: rows [count, width], `stride` floats apart.
std::vector<double> mean_of(const float* rows, size_t stride, size_t count, size_t width);

/// Returns the product of a matrix with a row of its columns, plus its bias.
std::vector<double> multiply(const Matrix& matrix, const Kernel& kernel,
                             const std::vector<double>& in);

/// Writes a text's vector of unit length, and returns its norm before that: the mean of its rows, sent
/// through the dense layers. A vector may come out not finite: the caller checks.
/// Shapes: rows [count, width], `stride` floats apart; out [spec.dimension()].
/// Owns:   nothing but a row of each dense layer, while it runs. Thread-safe.
/// Source: Reimers and Gurevych, Sentence-BERT (arXiv:1908.10084), section 3.
float pool(const ModelSpec& spec, const Weights& weights, const Kernel& kernel, const float* rows,
           size_t stride, size_t count, std::span<float> out);

}  // namespace runed::embed::native
