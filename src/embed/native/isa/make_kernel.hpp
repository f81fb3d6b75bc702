#pragma once

#include "embed/native/gemm/dequantize.hpp"
#include "embed/native/gemm/formats.hpp"
#include "embed/native/isa/head_attention.hpp"
#include "embed/native/isa/kernel.hpp"
#include "embed/native/isa/vector_math.hpp"

namespace runed::embed::native {

/// Collects the functions of one instruction set, with products in f32.
template <typename Isa>
consteval Kernel make_kernel(std::string_view name) {
  return {
      .name = name,
      .f32 = make_f32_gemm<Isa>(),
      .dequantize = Dequantizer<Isa>::run,
      .rms_norm = VectorMath<Isa>::rms_norm,
      .layer_norm = VectorMath<Isa>::layer_norm,
      .rotate = VectorMath<Isa>::rotate,
      .swiglu = VectorMath<Isa>::swiglu,
      .geglu = VectorMath<Isa>::geglu,
      .geglu_tanh = VectorMath<Isa>::geglu_tanh,
      .gelu = VectorMath<Isa>::gelu,
      .softmax_step = VectorMath<Isa>::softmax_step,
      .attend = HeadAttention<Isa>::run,
      .lanes = Vectors<Isa>::kLanes,
      .scale = VectorMath<Isa>::scale,
      .scale_and_add = VectorMath<Isa>::scale_and_add,
  };
}

}  // namespace runed::embed::native
