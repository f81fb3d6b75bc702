#pragma once

#include <vector>

#include "base/result.hpp"
#include "embed/model/model_spec.hpp"
#include "embed/native/gemm/number_format.hpp"
#include "embed/native/isa/kernel.hpp"
#include "embed/native/pass/weights.hpp"

namespace runed::embed::native {

/// Returns the number formats that this kernel has, f32 first.
std::vector<NumberFormat> formats_of(const Kernel& kernel);

/// Checks that a kernel has a format; every kernel has `automatic`.
/// Errors: invalid_argument, with the choices.
Status check_compute(NumberFormat requested, const Kernel& kernel);

/// Chooses how every product of a model is computed. `automatic` is the fastest that the kernel has
/// and that adds less error than the weights' own rounding has: int8 where any weights are of a type
/// that has it (Q8_0, Q6_K, Q5_K, Q4_K), but int16 where a norm has a few channels far above the
/// others, or where norms come after what they are for; int16 too where none are F32, or norms come
/// after and have no such channels; else f32. In int8, weights of other types, or that share a panel
/// with weights of another type, are multiplied in int16. Returns the format of most products: without
/// weights of such a type there are none in int8.
/// Needs:  check_compute succeeded.
NumberFormat choose_gemms(Weights& weights, const ModelSpec& spec, NumberFormat requested,
                          const Kernel& kernel);

/// Returns how attention is computed, whose factors are never stored: in int16 instead of int8.
const Gemm& attention_gemm(const Kernel& kernel, NumberFormat compute);

}  // namespace runed::embed::native
