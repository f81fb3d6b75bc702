#pragma once

#include <cstddef>
#include <cstdint>

#include "embed/model/float_formats.hpp"
#include "embed/model/tensor_type.hpp"

namespace runed::embed::native {

/// Turns stored numbers into f32, for one instruction set. `Isa` gives the vector types and the
/// loads that widen small integers, which GCC 12 does badly by itself.
/// Source: ggml, ggml-quants.c, dequantize_row_*; ggml-common.h, block_*.
template <typename Isa>
struct Dequantizer {
  using Floats = typename Isa::Floats;
  using Ints = typename Isa::Ints;
  static constexpr size_t kLanes = sizeof(Floats) / sizeof(float);
  static constexpr size_t kSuperBlock = 256;  // Elements of a K-quant block.

  /// Dequantizes a run of one row.
  /// Shapes: from, whole blocks of the type; to [count] f32.
  /// Needs:  count a multiple of the type's block. Neither pointer need be aligned.
  /// Owns:   nothing; no allocation. Thread-safe.
  static void run(TensorType type, const std::byte* from, size_t count, float* to) {
    switch (type) {
      case TensorType::f32:
        __builtin_memcpy(to, from, count * sizeof(float));
        return;
      case TensorType::f16:
        f16(from, count, to);
        return;
      case TensorType::bf16:
        bf16(from, count, to);
        return;
      case TensorType::q4_0:
        nibbles<false, false>(from, count, to);
        return;
      case TensorType::q4_1:
        nibbles<false, true>(from, count, to);
        return;
      case TensorType::q5_0:
        nibbles<true, false>(from, count, to);
        return;
      case TensorType::q5_1:
        nibbles<true, true>(from, count, to);
        return;
      case TensorType::iq4_nl:
        iq4_nl(from, count, to);
        return;
      case TensorType::q8_0:
        q8_0(from, count, to);
        return;
      case TensorType::q6_k:
        q6_k(from, count, to);
        return;
      case TensorType::q5_k:
        q5_k(from, count, to);
        return;
      case TensorType::q4_k:
        q4_k(from, count, to);
        return;
    }
  }

 private:
  RUNED_ALWAYS_INLINE static uint32_t byte_at(const std::byte* from, size_t i) {
    return static_cast<uint32_t>(from[i]);
  }

  RUNED_ALWAYS_INLINE static Floats to_floats(Ints values) {
    return __builtin_convertvector(values, Floats);
  }

  RUNED_ALWAYS_INLINE static void store(float* to, Floats values) {
    __builtin_memcpy(to, &values, sizeof values);
  }

  static void f16(const std::byte* from, size_t count, float* to) {
    size_t i = 0;
    for (; i + kLanes <= count; i += kLanes) {
      store(to + i, Isa::load_f16(from + 2 * i));
    }
    for (; i < count; ++i) to[i] = f16_to_float(load<uint16_t>(from + 2 * i));
  }

  static void bf16(const std::byte* from, size_t count, float* to) {
    size_t i = 0;
    for (; i + kLanes <= count; i += kLanes) {
      store(to + i, __builtin_bit_cast(Floats, Isa::load_uint16(from + 2 * i) << 16));
    }
    for (; i < count; ++i) to[i] = bf16_to_float(load<uint16_t>(from + 2 * i));
  }

  // Q4_0, Q4_1, Q5_0 and Q5_1. Blocks {f16 scale, f16 minimum or none, fifth bits [4 bytes] or none,
  // 4-bit [32]}: the low nibbles of the 16 bytes are the first half, the high ones the second. Without
  // a minimum, values are off by half of their range.
  template <bool kHasFifthBit, bool kHasMinimum>
  static void nibbles(const std::byte* block, size_t count, float* to) {
    constexpr size_t kFifthBits = kHasMinimum ? 4 : 2;  // Offsets.
    constexpr size_t kNibbles = kFifthBits + (kHasFifthBit ? 4 : 0);
    constexpr int kMiddle = kHasFifthBit ? 16 : 8;
    for (size_t done = 0; done < count; done += 32, block += kNibbles + 16, to += 32) {
      const float scale = f16_to_float(load<uint16_t>(block));
      const auto fifth_bits = kHasFifthBit ? load<uint32_t>(block + kFifthBits) : 0;
      for (size_t i = 0; i < 32; i += kLanes) {
        Ints values = Isa::load_uint8(block + kNibbles + i % 16) >> (i < 16 ? 0 : 4) & 15;
        if constexpr (kHasFifthBit) values |= spread_bits(fifth_bits >> i) & 16;
        if constexpr (kHasMinimum) {
          store(to + i, scale * to_floats(values) + f16_to_float(load<uint16_t>(block + 2)));
        } else {
          store(to + i, scale * to_floats(values - kMiddle));
        }
      }
    }
  }

  // All bits of a lane are that bit of `bits`.
  RUNED_ALWAYS_INLINE static Ints spread_bits(uint32_t bits) {
    static constexpr int32_t kBits[16] = {1,   2,   4,    8,    16,   32,   64,    128,
                                          256, 512, 1024, 2048, 4096, 8192, 16384, 32768};
    Ints of_lane;
    __builtin_memcpy(&of_lane, kBits, sizeof of_lane);
    return (of_lane & static_cast<int32_t>(bits)) != 0;
  }

  // Blocks {f16 scale, 4-bit [32]}, laid out as Q4_0. A nibble is the number of one of 16 values that
  // lie closer to each other around 0.
  static void iq4_nl(const std::byte* block, size_t count, float* to) {
    using Bytes = int8_t __attribute__((vector_size(16)));
    using Unsigned = uint8_t __attribute__((vector_size(16)));
    constexpr Bytes kValues{-127, -104, -83, -65, -49, -35, -22, -10,
                            1,    13,   25,  38,  53,  69,  89,  113};
    for (size_t done = 0; done < count; done += 32, block += 18, to += 32) {
      const float scale = f16_to_float(load<uint16_t>(block));
      Unsigned nibbles;
      __builtin_memcpy(&nibbles, block + 2, sizeof nibbles);
      const Unsigned halves[] = {nibbles & uint8_t{15}, nibbles >> uint8_t{4}};
      for (size_t half = 0; half < 2; ++half) {
        const Bytes values = Isa::look_up(kValues, __builtin_bit_cast(Bytes, halves[half]));
        for (size_t i = 0; i < 16; i += kLanes) {
          const auto* from = reinterpret_cast<const std::byte*>(&values) + i;
          store(to + half * 16 + i, scale * to_floats(Isa::load_int8(from)));
        }
      }
    }
  }

  // Blocks {f16 scale, int8 [32]}.
  static void q8_0(const std::byte* block, size_t count, float* to) {
    for (size_t done = 0; done < count; done += 32, block += 34, to += 32) {
      const float scale = f16_to_float(load<uint16_t>(block));
      for (size_t i = 0; i < 32; i += kLanes) {
        store(to + i, scale * to_floats(Isa::load_int8(block + 2 + i)));
      }
    }
  }

  struct ScaleAndMinimum {
    float scale;
    float minimum;
  };

  // The 6-bit scale and minimum of sub-block `i` of 8, packed in 12 bytes: the first four of each
  // lie in the low bits of bytes 0..7, whose high bits complete the nibbles of bytes 8..11.
  RUNED_ALWAYS_INLINE static ScaleAndMinimum sub_block(const std::byte* block, size_t i) {
    const float scale = f16_to_float(load<uint16_t>(block));
    const float minimum = f16_to_float(load<uint16_t>(block + 2));
    const std::byte* packed = block + 4;
    uint32_t scale_6 = byte_at(packed, i) & 63;
    uint32_t minimum_6 = byte_at(packed, i + 4) & 63;
    if (i >= 4) {
      const uint32_t nibbles = byte_at(packed, i + 4);
      scale_6 = (nibbles & 15) | (byte_at(packed, i - 4) >> 6 << 4);
      minimum_6 = (nibbles >> 4) | (byte_at(packed, i) >> 6 << 4);
    }
    return {scale * static_cast<float>(scale_6), minimum * static_cast<float>(minimum_6)};
  }

  // Blocks {f16 scale, f16 minimum, 6-bit [8 scales, 8 minimums], 4-bit [256]}: each 32 bytes hold
  // two sub-blocks of 32, the first in their low nibbles.
  static void q4_k(const std::byte* block, size_t count, float* to) {
    for (size_t done = 0; done < count; done += kSuperBlock, block += 144) {
      for (size_t i = 0; i < 8; ++i, to += 32) {
        const ScaleAndMinimum sub = sub_block(block, i);
        const std::byte* low = block + 16 + i / 2 * 32;
        const int shift = static_cast<int>(i % 2 * 4);
        for (size_t j = 0; j < 32; j += kLanes) {
          const Ints values = Isa::load_uint8(low + j) >> shift & 15;
          store(to + j, sub.scale * to_floats(values) - sub.minimum);
        }
      }
    }
  }

  // As q4_k, with a fifth bit of every element in 32 bytes before the nibbles: bit `i` of byte `j`
  // belongs to element `j` of sub-block `i`.
  static void q5_k(const std::byte* block, size_t count, float* to) {
    for (size_t done = 0; done < count; done += kSuperBlock, block += 176) {
      for (size_t i = 0; i < 8; ++i, to += 32) {
        const ScaleAndMinimum sub = sub_block(block, i);
        const std::byte* high = block + 16;
        const std::byte* low = block + 48 + i / 2 * 32;
        const int low_shift = static_cast<int>(i % 2 * 4);
        const int high_shift = static_cast<int>(i);
        for (size_t j = 0; j < 32; j += kLanes) {
          const Ints values = (Isa::load_uint8(low + j) >> low_shift & 15) |
                              (Isa::load_uint8(high + j) >> high_shift & 1) << 4;
          store(to + j, sub.scale * to_floats(values) - sub.minimum);
        }
      }
    }
  }

  // Blocks {4-bit [256], 2-bit [256], int8 scales [16], f16 scale}. Each half of 128 has 64 bytes
  // of low nibbles and 32 bytes of high bits; quarter `i` of it takes nibble `i / 2` of bytes
  // 32 (i % 2) onwards, and bits 2 i of the high bytes. A scale serves 16 elements, and values are
  // off by 32.
  static void q6_k(const std::byte* block, size_t count, float* to) {
    for (size_t done = 0; done < count; done += kSuperBlock, block += 210) {
      const float scale = f16_to_float(load<uint16_t>(block + 208));
      for (size_t i = 0; i < 8; ++i, to += 32) {
        const std::byte* low = block + i / 4 * 64 + i % 2 * 32;
        const std::byte* high = block + 128 + i / 4 * 32;
        const int low_shift = static_cast<int>(i % 4 / 2 * 4);
        const int high_shift = static_cast<int>(i % 4 * 2);
        for (size_t j = 0; j < 32; j += kLanes) {
          const int8_t scale_8 = static_cast<int8_t>(block[192 + 2 * i + j / 16]);
          const Ints values = (Isa::load_uint8(low + j) >> low_shift & 15) |
                              (Isa::load_uint8(high + j) >> high_shift & 3) << 4;
          store(to + j, scale * static_cast<float>(scale_8) * to_floats(values - 32));
        }
      }
    }
  }
};

}  // namespace runed::embed::native
