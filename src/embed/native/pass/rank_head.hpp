#pragma once

#include <cstddef>

#include "embed/model/model_spec.hpp"
#include "embed/native/isa/kernel.hpp"
#include "embed/native/pass/weights.hpp"

namespace runed::embed::native {

/// Returns the raw score of a pair of texts, from the states that its head reads: one row, or all of
/// the pair, of which it takes the mean. In double but for the weights, whatever the format of the
/// products. It may come out not finite: the caller checks.
/// Shapes: rows [count, width], `stride` floats apart.
/// Needs:  a spec of Head::rank.
/// Owns:   nothing but a row of each layer, while it runs. Thread-safe.
/// Within: 1e-5 of transformers' score in f32.
float score_pair(const ModelSpec& spec, const Weights& weights, const Kernel& kernel,
                 const float* rows, size_t stride, size_t count);

}  // namespace runed::embed::native
