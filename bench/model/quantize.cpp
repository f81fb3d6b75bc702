#include "quantize.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstring>

#include "base/check.hpp"
#include "embed/model/float_formats.hpp"

namespace runed::bench {
namespace {

using embed::f16_to_float;
using embed::TensorType;

constexpr size_t kSubBlock = 32;  // Of those with a minimum.

// The inverse of f16_to_float, ties to even.
uint16_t to_f16(float value) {
  const auto bits = __builtin_bit_cast(uint32_t, value);
  const uint32_t sign = bits >> 16 & 0x8000u;
  const uint32_t rest = bits & 0x7FFFFFFFu;
  if (rest >= 0x47800000u) return static_cast<uint16_t>(sign | 0x7C00u);
  if (rest < 0x38800000u) {  // Subnormal, or zero.
    return static_cast<uint16_t>(sign |
                                 static_cast<uint32_t>(std::lrint(std::abs(value) * 0x1p24F)));
  }
  const uint32_t rounded = rest + 0xFFFu + (rest >> 13 & 1u);
  return static_cast<uint16_t>(sign | ((rounded >> 13) - (112u << 10)));
}

// The upper half of a float, ties to even.
uint16_t to_bf16(float value) {
  const auto bits = __builtin_bit_cast(uint32_t, value);
  return static_cast<uint16_t>((bits + 0x7FFFu + (bits >> 16 & 1u)) >> 16);
}

void store(std::byte* to, uint16_t value) {
  std::memcpy(to, &value, sizeof value);
}

std::byte byte_of(int value) {
  return static_cast<std::byte>(value);
}

// Both without a branch, as the compiler vectorises them.
int nearest(float value) {
  return static_cast<int>(value + (value < 0 ? -0.5F : 0.5F));
}

int clamped(int value, int least, int most) {
  value = value < least ? least : value;
  return value > most ? most : value;
}

float inverse(float scale) {
  return scale == 0 ? 0 : 1 / scale;
}

// The value that is the furthest from zero.
float furthest(const float* values, size_t count) {
  float found = 0;
  for (size_t i = 0; i < count; ++i) {
    if (std::abs(values[i]) > std::abs(found)) found = values[i];
  }
  return found;
}

void q8_0(const float* row, std::byte* block) {
  const uint16_t stored = to_f16(std::abs(furthest(row, 32)) / 127);
  const float factor = inverse(f16_to_float(stored));
  store(block, stored);
  for (size_t i = 0; i < 32; ++i)
    block[2 + i] = byte_of(clamped(nearest(row[i] * factor), -127, 127));
}

void q6_k(const float* row, std::byte* block) {
  std::array<float, 16> scales{};
  for (size_t i = 0; i < 16; ++i) scales[i] = furthest(row + 16 * i, 16) / -32;
  const uint16_t stored = to_f16(std::abs(furthest(scales.data(), 16)) / 127);
  const float scale = f16_to_float(stored);
  std::memset(block, 0, 192);
  for (size_t i = 0; i < 16; ++i) {
    const int scale_8 = clamped(nearest(scales[i] * inverse(scale)), -127, 127);
    const float factor = inverse(scale * static_cast<float>(scale_8));
    block[192 + i] = byte_of(scale_8);
    for (size_t j = 0; j < 16; ++j) {
      const int value = clamped(nearest(row[16 * i + j] * factor) + 32, 0, 63);
      const size_t part = i / 2;  // Of 32 elements, as dequantize.hpp counts them.
      const size_t at = i % 2 * 16 + j;
      block[part / 4 * 64 + part % 2 * 32 + at] |= byte_of((value & 15) << (part % 4 / 2 * 4));
      block[128 + part / 4 * 32 + at] |= byte_of((value >> 4) << (part % 4 * 2));
    }
  }
  store(block + 208, stored);
}

// A value `q` of a sub-block stands for scale * q - minimum, neither of them negative.
struct Fit {
  float scale = 0;
  float minimum = 0;
};

// Writes the nearest values, and returns the scale and minimum that suit them best (least squares).
Fit fit(const float* values, Fit from, int most, float& squared_error) {
  const float factor = inverse(from.scale);
  float sum_q = 0, sum_qq = 0, sum_x = 0, sum_qx = 0, sum_xx = 0;
  for (size_t i = 0; i < kSubBlock; ++i) {
    const float x = values[i];
    const float q = static_cast<float>(clamped(nearest((x + from.minimum) * factor), 0, most));
    sum_q += q;
    sum_qq += q * q;
    sum_x += x;
    sum_qx += q * x;
    sum_xx += x * x;
  }
  constexpr float kCount = kSubBlock;
  const float determinant = kCount * sum_qq - sum_q * sum_q;
  Fit best = from;
  if (determinant > 0) {
    best.scale = (kCount * sum_qx - sum_q * sum_x) / determinant;
    best.minimum = std::max(0.0F, (best.scale * sum_q - sum_x) / kCount);
  }
  squared_error = best.scale * best.scale * sum_qq + kCount * best.minimum * best.minimum + sum_xx -
                  2 * best.scale * best.minimum * sum_q - 2 * best.scale * sum_qx +
                  2 * best.minimum * sum_x;
  return best;
}

// The rarest values are not worth a coarse scale for all: tries narrower ranges, too.
Fit best_fit(const float* values, int most) {
  const auto [low, high] = std::minmax_element(values, values + kSubBlock);
  const float minimum = std::max(0.0F, -*low);
  const float range = std::max(0.0F, *high) + minimum;
  Fit best;
  float least_error = INFINITY;
  for (const float share : {1.0F, 0.95F, 0.9F, 0.85F, 0.8F}) {
    float error = 0;
    const Fit found =
        fit(values, {share * range / static_cast<float>(most), share * minimum}, most, error);
    if (error >= least_error) continue;
    least_error = error;
    best = found;
  }
  return best;
}

// The scales and minimums of 8 sub-blocks, six bits each, as sub_block in dequantize.hpp reads them.
void pack_sub_block(std::byte* packed, size_t i, int scale, int minimum) {
  if (i < 4) {
    packed[i] |= byte_of(scale);
    packed[i + 4] |= byte_of(minimum);
    return;
  }
  packed[i + 4] = byte_of((scale & 15) | (minimum & 15) << 4);
  packed[i - 4] |= byte_of(scale >> 4 << 6);
  packed[i] |= byte_of(minimum >> 4 << 6);
}

// Q4_K and Q5_K, which differ by the fifth bits.
template <int kBits>
void q45_k(const float* row, std::byte* block) {
  constexpr int kMost = (1 << kBits) - 1;
  constexpr size_t kLow = kBits == 5 ? 48 : 16;
  std::array<Fit, 8> fits;
  Fit largest;
  for (size_t i = 0; i < 8; ++i) {
    fits[i] = best_fit(row + kSubBlock * i, kMost);
    largest = {std::max(largest.scale, fits[i].scale), std::max(largest.minimum, fits[i].minimum)};
  }
  const uint16_t stored_scale = to_f16(largest.scale / 63);
  const uint16_t stored_minimum = to_f16(largest.minimum / 63);
  const float scale = f16_to_float(stored_scale);
  const float minimum = f16_to_float(stored_minimum);
  std::memset(block, 0, kLow + 128);
  store(block, stored_scale);
  store(block + 2, stored_minimum);
  for (size_t i = 0; i < 8; ++i) {
    const int scale_6 = clamped(nearest(fits[i].scale * inverse(scale)), 0, 63);
    const int minimum_6 = clamped(nearest(fits[i].minimum * inverse(minimum)), 0, 63);
    pack_sub_block(block + 4, i, scale_6, minimum_6);
    const float factor = inverse(scale * static_cast<float>(scale_6));
    const float offset = minimum * static_cast<float>(minimum_6);
    std::byte* low = block + kLow + i / 2 * 32;
    for (size_t j = 0; j < kSubBlock; ++j) {
      const int value = clamped(nearest((row[kSubBlock * i + j] + offset) * factor), 0, kMost);
      low[j] |= byte_of((value & 15) << (i % 2 * 4));
      if constexpr (kBits == 5) block[16 + j] |= byte_of((value >> 4) << i);
    }
  }
}

template <typename Block>
void for_each_block(TensorType type, std::span<const float> row, std::byte* to,
                    const Block& block) {
  const auto layout = embed::block_layout(type);
  for (size_t i = 0; i < row.size(); i += layout.block_elements, to += layout.block_bytes) {
    block(row.data() + i, to);
  }
}

}  // namespace

void quantize(TensorType type, std::span<const float> row, std::byte* to) {
  switch (type) {
    case TensorType::f32:
      std::memcpy(to, row.data(), row.size_bytes());
      return;
    case TensorType::f16:
      for (size_t i = 0; i < row.size(); ++i) store(to + 2 * i, to_f16(row[i]));
      return;
    case TensorType::bf16:
      for (size_t i = 0; i < row.size(); ++i) store(to + 2 * i, to_bf16(row[i]));
      return;
    case TensorType::q8_0:
      return for_each_block(type, row, to, q8_0);
    case TensorType::q6_k:
      return for_each_block(type, row, to, q6_k);
    case TensorType::q5_k:
      return for_each_block(type, row, to, q45_k<5>);
    case TensorType::q4_k:
      return for_each_block(type, row, to, q45_k<4>);
    default:  // No file is made of the others.
      CHECK(false);
  }
}

}  // namespace runed::bench
