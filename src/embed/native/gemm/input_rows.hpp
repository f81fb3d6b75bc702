#pragma once

#include <cstddef>
#include <cstdint>

#include "embed/model/float_formats.hpp"
#include "embed/native/isa/vectors.hpp"

// Rows of numbers as the micro-kernel reads them, for one instruction set. A row is a sequence of
// blocks; the last one is filled up with zeros. A step of the kernel takes four bytes of a row: one
// f32, two bf16 or int16, four int8.
namespace runed::embed::native {

/// A block is one f32: a row is as it was.
template <typename Isa>
struct F32Rows {
  static constexpr size_t kBlockElements = 1;
  static constexpr size_t kSteps = 1;
  static constexpr size_t kBlockBytes = 4;
};

/// A block is two bfloat16, rounded to nearest, ties to even.
template <typename Isa>
struct Bf16Rows {
  static constexpr size_t kBlockElements = 2;
  static constexpr size_t kSteps = 1;
  static constexpr size_t kBlockBytes = 4;

  static void prepare(const float* from, size_t depth, void* to) {
    using V = Vectors<Isa>;
    auto* out = static_cast<std::byte*>(to);
    size_t i = 0;
    for (; i + V::kLanes <= depth; i += V::kLanes) {
      Isa::store_int16(out + 2 * i, Isa::round_to_bf16(V::load_floats(from + i)));
    }
    if (i == depth) return;
    float rest[V::kLanes] = {};
    std::byte rounded[V::kLanes * 2];
    __builtin_memcpy(rest, from + i, (depth - i) * sizeof(float));
    Isa::store_int16(rounded, Isa::round_to_bf16(V::load_floats(rest)));
    __builtin_memcpy(out + 2 * i, rounded, (depth - i + 1) / 2 * kBlockBytes);
  }
};

/// The scale that brings the greatest magnitude of a block to the greatest integer.
struct BlockScale {
  float scale;    // Of the integers. Not finite if a number of the block is not.
  float inverse;  // Of the numbers; 0 where the numbers are too small for it to be finite.
};

/// Shared by the formats of integers in blocks, each with an f32 scale.
template <typename Isa, size_t kElements>
struct BlockRounding {
  using V = Vectors<Isa>;
  using Floats = typename Isa::Floats;
  using Ints = typename Isa::Ints;
  static constexpr size_t kParts = kElements / V::kLanes;

  // Compares magnitudes as integers: there NaN and infinity are greater than any number, so they
  // reach the scale and then the result.
  RUNED_ALWAYS_INLINE static BlockScale scale_to(const float* from, float most) {
    Ints greatest{};
    for (size_t part = 0; part < kParts; ++part) {
      const Ints bits = V::load_ints(from + part * V::kLanes);
      greatest = V::maximum(greatest, bits & 0x7FFFFFFF);
    }
    const float magnitude = __builtin_bit_cast(float, V::greatest_of(greatest));
    return {magnitude * (1 / most), magnitude > 0x1p-100f ? most / magnitude : 0};
  }

  RUNED_ALWAYS_INLINE static Ints round(const float* from, size_t part, float inverse) {
    return V::round(V::load_floats(from + part * V::kLanes) * inverse);
  }

  // Calls prepare_block(from, to) for each block, with the last one filled up.
  template <typename PrepareBlock>
  RUNED_ALWAYS_INLINE static void prepare(const float* from, size_t depth, void* to,
                                          size_t block_bytes, const PrepareBlock& prepare_block) {
    auto* out = static_cast<std::byte*>(to);
    for (; depth >= kElements; depth -= kElements, from += kElements, out += block_bytes) {
      prepare_block(from, out);
    }
    if (depth == 0) return;
    float rest[kElements] = {};
    __builtin_memcpy(rest, from, depth * sizeof(float));
    prepare_block(rest, out);
  }
};

/// A block is 64 int16 and their scale. The greatest is the one of which 64 squares still fit an
/// int32: some 13.5 bits.
template <typename Isa>
struct Int16Rows {
  static constexpr size_t kBlockElements = 64;
  static constexpr size_t kSteps = 32;
  static constexpr size_t kScaleAt = 128;
  static constexpr size_t kBlockBytes = 132;
  static constexpr float kMost = 5792;

  static void prepare(const float* from, size_t depth, void* to) {
    Rounding::prepare(from, depth, to, kBlockBytes, prepare_block);
  }

 private:
  using Rounding = BlockRounding<Isa, kBlockElements>;

  RUNED_ALWAYS_INLINE static void prepare_block(const float* from, std::byte* to) {
    const auto [scale, inverse] = Rounding::scale_to(from, kMost);
    for (size_t part = 0; part < Rounding::kParts; ++part) {
      Isa::store_int16(to + part * Rounding::V::kLanes * 2, Rounding::round(from, part, inverse));
    }
    __builtin_memcpy(to + kScaleAt, &scale, sizeof scale);
  }
};

/// A block is 32 int8, their scale, and what makes up for weights that are stored without a sign or
/// with a minimum: the scaled sum of the block, -128 times its sum, and -32 times the sums of its
/// halves.
template <typename Isa>
struct Int8Rows {
  static constexpr size_t kBlockElements = 32;
  static constexpr size_t kSteps = 8;
  static constexpr size_t kScaleAt = 32;
  static constexpr size_t kScaledSumAt = 36;
  static constexpr size_t kMinus128At = 40;
  static constexpr size_t kMinus32At = 44;
  static constexpr size_t kBlockBytes = 52;
  static constexpr float kMost = 127;

  static void prepare(const float* from, size_t depth, void* to) {
    Rounding::prepare(from, depth, to, kBlockBytes, prepare_block);
  }

 private:
  using Rounding = BlockRounding<Isa, kBlockElements>;
  using V = Vectors<Isa>;

  RUNED_ALWAYS_INLINE static void prepare_block(const float* from, std::byte* to) {
    const auto [scale, inverse] = Rounding::scale_to(from, kMost);
    typename Isa::Ints sums[2] = {};
    for (size_t part = 0; part < Rounding::kParts; ++part) {
      const auto rounded = Rounding::round(from, part, inverse);
      Isa::store_int8(to + part * V::kLanes, rounded);
      sums[2 * part / Rounding::kParts] += rounded;
    }
    // Without a sign: what is not finite is rounded to anything, and sums of that may overflow.
    const auto low = static_cast<uint32_t>(V::sum_of(sums[0]));
    const auto high = static_cast<uint32_t>(V::sum_of(sums[1]));
    const auto sum = static_cast<int32_t>(low + high);
    // One by one: a struct of them would be written and then read at once, which waits until every
    // store before it is done.
    put(to + kScaleAt, scale);
    put(to + kScaledSumAt, scale * static_cast<float>(sum));
    put(to + kMinus128At, -128U * (low + high));
    put(to + kMinus32At, -32U * low);
    put(to + kMinus32At + 4, -32U * high);
  }

  template <typename Number>
  RUNED_ALWAYS_INLINE static void put(std::byte* to, Number number) {
    __builtin_memcpy(to, &number, sizeof number);
  }
};

}  // namespace runed::embed::native
