#pragma once

#include <string_view>

namespace runed::embed::native {

/// The number format of the factors of matrix products, in which nearly all of a pass is spent.
/// Sums are f32 (within a block of integers exact), and so is everything between two products.
enum class NumberFormat {
  automatic,  // The fastest that adds no more error than the file's own quantization has.
  f32,
  bf16,   // Both factors rounded to bfloat16.
  int16,  // Both factors as 13-bit integers in blocks, each block with an f32 scale.
  int8,   // Quantized weights as they are stored, inputs as int8 in blocks of 32.
};

/// Returns `auto`, `f32`, `bf16`, `int16` or `int8`.
constexpr std::string_view name_of(NumberFormat compute) {
  switch (compute) {
    case NumberFormat::automatic:
      return "auto";
    case NumberFormat::f32:
      return "f32";
    case NumberFormat::bf16:
      return "bf16";
    case NumberFormat::int16:
      return "int16";
    case NumberFormat::int8:
      return "int8";
  }
  return "";
}

}  // namespace runed::embed::native
