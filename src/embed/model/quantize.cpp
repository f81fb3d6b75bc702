#include "embed/model/quantize.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

#include "base/check.hpp"
#include "embed/model/float_formats.hpp"

namespace runed::embed {
namespace {

constexpr uint32_t kSign = 0x8000'0000;
constexpr uint32_t kInfinity = 0x7F80'0000;
constexpr uint32_t kLeastTooLarge = 0x477F'F000;  // 65520, which is nearer to 2^16 than to 65504.
constexpr uint32_t kLeastNormal = 0x3880'0000;    // 2^-14.
constexpr uint32_t kExponentShift = 112u << 23;   // The difference of the exponents' biases.

constexpr size_t kQ8Elements = 32;
constexpr size_t kQ8Bytes = 2 + kQ8Elements;  // A scale in F16 and a signed byte for each number.

void store(uint16_t value, std::byte* to) {
  std::memcpy(to, &value, sizeof value);
}

// Adds half of the last place that stays, a little less where that place is even: ties go to even.
uint32_t round_away(uint32_t bits, unsigned dropped) {
  const uint32_t half = (1u << (dropped - 1)) - 1;
  return (bits + half + ((bits >> dropped) & 1)) >> dropped;
}

void write_q8_0(std::span<const float> numbers, std::byte* to) {
  for (size_t at = 0; at < numbers.size(); at += kQ8Elements) {
    const std::span<const float> block = numbers.subspan(at, kQ8Elements);
    float largest = 0;
    for (const float number : block) largest = std::max(largest, std::fabs(number));
    const float scale = largest / 127.0F;
    const float inverse = scale < 0x1p-126F ? 0.0F : 1.0F / scale;
    store(float_to_f16(scale), to);
    for (size_t i = 0; i < kQ8Elements; ++i) {
      to[2 + i] = static_cast<std::byte>(static_cast<int8_t>(std::round(block[i] * inverse)));
    }
    to += kQ8Bytes;
  }
}

void read_q8_0(const std::byte* from, std::span<float> numbers) {
  for (size_t at = 0; at < numbers.size(); at += kQ8Elements) {
    const float scale = f16_to_float(load<uint16_t>(from));
    for (size_t i = 0; i < kQ8Elements; ++i) {
      numbers[at + i] = scale * static_cast<float>(static_cast<int8_t>(from[2 + i]));
    }
    from += kQ8Bytes;
  }
}

}  // namespace

float greatest_of(TensorType type) {
  constexpr float kGreatestF16 = 65504;
  if (type == TensorType::f16) return kGreatestF16;
  if (type == TensorType::q8_0) return 127 * kGreatestF16;
  return std::numeric_limits<float>::max();
}

uint16_t float_to_f16(float value) {
  const auto bits = std::bit_cast<uint32_t>(value);
  const auto sign = static_cast<uint16_t>((bits & kSign) >> 16);
  const uint32_t magnitude = bits & ~kSign;
  if (magnitude > kInfinity) return sign | 0x7E00;
  if (magnitude >= kLeastTooLarge) return sign | 0x7C00;
  if (magnitude >= kLeastNormal) {
    return static_cast<uint16_t>(sign | round_away(magnitude - kExponentShift, 13));
  }
  // A subnormal counts in units of 2^-24. nearbyint breaks ties to even.
  const float units = std::nearbyint(std::bit_cast<float>(magnitude) * 0x1p24F);
  return static_cast<uint16_t>(sign | static_cast<uint32_t>(units));
}

uint16_t float_to_bf16(float value) {
  const auto bits = std::bit_cast<uint32_t>(value);
  if ((bits & ~kSign) > kInfinity) return static_cast<uint16_t>((bits >> 16) | 64);  // Quiet.
  return static_cast<uint16_t>(round_away(bits, 16));
}

bool can_read_rows(TensorType type) {
  return can_write_rows(type);
}

bool can_write_rows(TensorType type) {
  return type == TensorType::f32 || type == TensorType::f16 || type == TensorType::bf16 ||
         type == TensorType::q8_0;
}

void read_row(TensorType type, std::span<const std::byte> row, std::span<float> numbers) {
  CHECK(can_read_rows(type));
  if (type == TensorType::f32) {
    std::memcpy(numbers.data(), row.data(), numbers.size_bytes());
  } else if (type == TensorType::q8_0) {
    read_q8_0(row.data(), numbers);
  } else {
    for (size_t i = 0; i < numbers.size(); ++i) {
      const auto stored = load<uint16_t>(row.data() + 2 * i);
      numbers[i] = type == TensorType::f16 ? f16_to_float(stored) : bf16_to_float(stored);
    }
  }
}

void write_row(TensorType type, std::span<const float> numbers, std::span<std::byte> row) {
  CHECK(can_write_rows(type));
  if (type == TensorType::f32) {
    std::memcpy(row.data(), numbers.data(), numbers.size_bytes());
  } else if (type == TensorType::q8_0) {
    write_q8_0(numbers, row.data());
  } else {
    for (size_t i = 0; i < numbers.size(); ++i) {
      store(type == TensorType::f16 ? float_to_f16(numbers[i]) : float_to_bf16(numbers[i]),
            row.data() + 2 * i);
    }
  }
}

}  // namespace runed::embed
