#pragma once

#include "embed/native/dequantize.hpp"
#include "embed/native/kernel.hpp"
#include "embed/native/panel.hpp"
#include "embed/native/vector_math.hpp"

namespace runed::embed::native {

/// Collects the f32 functions of one instruction set.
template <typename Isa>
consteval Kernel make_f32_kernel(std::string_view name) {
  return {
      .name = name,
      .compute = "f32",
      .panel_bytes = Panels<Isa>::panel_bytes,
      .dequantize = Dequantizer<Isa>::run,
      .pack = Panels<Isa>::pack,
      .pack_as_rows = Panels<Isa>::pack_as_rows,
      .multiply = Panels<Isa>::multiply,
      .rms_norm = VectorMath<Isa>::rms_norm,
      .rotate = VectorMath<Isa>::rotate,
      .swiglu = VectorMath<Isa>::swiglu,
      .soften = VectorMath<Isa>::soften,
      .scale_and_add = VectorMath<Isa>::scale_and_add,
  };
}

}  // namespace runed::embed::native
