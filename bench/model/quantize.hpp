#pragma once

#include <cstddef>
#include <span>

#include "embed/model/tensor_type.hpp"

namespace runed::bench {

/// Stores a row in a type, each number rounded to the nearest that its block has.
/// Shapes: row, whole blocks of the type; to, as many bytes as they take.
/// Source: ggml-common.h, block_*; the inverse of embed/native/dequantize.hpp.
void quantize(embed::TensorType type, std::span<const float> row, std::byte* to);

}  // namespace runed::bench
