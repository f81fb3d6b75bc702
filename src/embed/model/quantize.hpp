#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "embed/model/tensor_type.hpp"

namespace runed::embed {

/// Returns the greatest magnitude that a type can store.
float greatest_of(TensorType type);

/// Rounds to the nearest IEEE 754 binary16, ties to even; what is too large becomes infinite.
uint16_t float_to_f16(float value);

/// Rounds to the nearest bfloat16, ties to even.
uint16_t float_to_bf16(float value);

/// Tells whether rows of this type can be read, and whether they can be written.
bool can_read_rows(TensorType type);
bool can_write_rows(TensorType type);

/// Reads a row of stored numbers, which need not be aligned.
/// Needs: can_read_rows; `row` has the bytes of as many elements as `numbers`, in whole blocks.
void read_row(TensorType type, std::span<const std::byte> row, std::span<float> numbers);

/// Stores a row of numbers as ggml's reference functions do, to the bit.
/// Needs: can_write_rows; `row` has the bytes of as many elements as `numbers`, in whole blocks.
/// Source: ggml-quants.c, quantize_row_q8_0_ref; ggml-impl.h, for F16 and BF16.
void write_row(TensorType type, std::span<const float> numbers, std::span<std::byte> row);

}  // namespace runed::embed
