#pragma once

#include <cstddef>
#include <cstdint>

// Always inline: these are used in files built for one instruction set, which must not leave a
// shared copy of a function behind for the linker to pick (kernel.hpp says why).
#define RUNED_ALWAYS_INLINE [[gnu::always_inline]] inline

namespace runed::embed {

/// Converts an IEEE 754 binary16. Subnormals are converted as integers: letting them pass through
/// subnormal floats would be shorter, and slow by a hundred cycles each.
RUNED_ALWAYS_INLINE float f16_to_float(uint16_t bits) {
  constexpr uint32_t kExponentShift = 112u << 23;  // The difference of the exponents' biases.
  const uint32_t rest = bits & 0x7FFFu;
  uint32_t magnitude = (rest << 13) + kExponentShift;
  if (rest >= 0x7C00) magnitude += kExponentShift;
  if (rest < 0x0400) magnitude = __builtin_bit_cast(uint32_t, static_cast<float>(rest) * 0x1p-24f);
  const uint32_t sign = static_cast<uint32_t>(bits & 0x8000u) << 16;
  return __builtin_bit_cast(float, magnitude | sign);
}

/// Converts a bfloat16: the upper half of a float.
RUNED_ALWAYS_INLINE float bf16_to_float(uint16_t bits) {
  return __builtin_bit_cast(float, static_cast<uint32_t>(bits) << 16);
}

/// Reads a little-endian number that need not be aligned.
template <typename T>
RUNED_ALWAYS_INLINE T load(const std::byte* from) {
  T value;
  __builtin_memcpy(&value, from, sizeof value);
  return value;
}

}  // namespace runed::embed
