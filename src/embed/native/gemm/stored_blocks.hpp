#pragma once

#include <cstddef>

#include "embed/model/float_formats.hpp"
#include "embed/model/tensor_type.hpp"
#include "embed/native/gemm/gemm.hpp"

namespace runed::embed::native {

struct BlockSize {
  size_t elements;
  size_t bytes;
};

/// As block_layout(), which a file built for one instruction set may not call.
RUNED_ALWAYS_INLINE BlockSize block_size(TensorType type) {
  switch (type) {
    case TensorType::f32:
      return {1, 4};
    case TensorType::f16:
      return {1, 2};
    case TensorType::bf16:
      return {1, 2};
    case TensorType::q4_0:
    case TensorType::iq4_nl:
      return {32, 18};
    case TensorType::q4_1:
      return {32, 20};
    case TensorType::q5_0:
      return {32, 22};
    case TensorType::q5_1:
      return {32, 24};
    case TensorType::q8_0:
      return {32, 34};
    case TensorType::q6_k:
      return {256, 210};
    case TensorType::q5_k:
      return {256, 176};
    case TensorType::q4_k:
      return {256, 144};
  }
  __builtin_unreachable();
}

/// Returns the columns that packing so many rows fills.
RUNED_ALWAYS_INLINE size_t round_up_to_pack(size_t rows) {
  return (rows + kPackColumns - 1) / kPackColumns * kPackColumns;
}

}  // namespace runed::embed::native
