#pragma once

#include <cstddef>
#include <cstdint>

#include "embed/native/gemm/gemm.hpp"
#include "embed/native/gemm/micro_kernel.hpp"
#include "embed/native/gemm/stored_blocks.hpp"
#include "embed/native/isa/vectors.hpp"

// Packs quantized weights as they are stored: their integers become bytes without a sign, four of a
// row side by side, their scales and minimums f32. Nothing is rounded.
//
// Four consecutive bytes of a stored row belong to four consecutive elements in every one of these
// types. So rows are transposed in words of four bytes first, and nibbles and bits are put together
// afterwards, for a vector of rows at a time.
//
// Source of the layouts: ggml, ggml-common.h, block_*; as in dequantize.hpp.
namespace runed::embed::native {

/// What the packers share: as many rows as a vector has lanes, and their columns of the panel.
template <typename Isa, typename Format>
class QuantizedRows {
 public:
  using V = Vectors<Isa>;
  using Floats = typename Isa::Floats;
  using Ints = typename Isa::Ints;
  using Layout = PanelLayout<Format>;
  static constexpr size_t kLanes = V::kLanes;
  static constexpr size_t kSteps = Format::Input::kSteps;

  QuantizedRows(const StoredRows& rows, size_t first_row, std::byte* panel) : panel_(panel) {
    const size_t last = rows.count - 1;
    for (size_t lane = 0; lane < kLanes; ++lane) {
      const size_t row = first_row + lane < last ? first_row + lane : last;
      rows_[lane] = rows.first + row * rows.row_bytes;
    }
  }

  RUNED_ALWAYS_INLINE const std::byte* at(size_t lane, size_t offset) const {
    return rows_[lane] + offset;
  }

  /// Writes the words of a stretch of each row, a vector of rows for each word. The end overlaps
  /// what is before it where `count` is no multiple of the lanes: nothing behind is read.
  /// Needs: count >= kLanes.
  RUNED_ALWAYS_INLINE void transpose(size_t offset, size_t count, Ints* words) const {
    for (size_t word = 0; word < count; word += kLanes) {
      const size_t first = word + kLanes <= count ? word : count - kLanes;
      transpose_halves(offset + 4 * first, 32, words + first);
    }
  }

  /// Writes kLanes words of each row, the first eight from `offset`, the rest `distance` later.
  RUNED_ALWAYS_INLINE void transpose_halves(size_t offset, size_t distance, Ints* words) const {
    V::transpose(
        [&](size_t lane, size_t quad) {
          return rows_[lane] + offset + quad / 2 * distance + quad % 2 * 16;
        },
        reinterpret_cast<std::byte*>(words), sizeof(Ints));
  }

  RUNED_ALWAYS_INLINE void store_step(size_t block, size_t step, Ints bytes) const {
    V::store(row_of(block, step), bytes);
  }
  RUNED_ALWAYS_INLINE void store_scale(size_t block, size_t index, Floats scale) const {
    V::store(row_of(block, kSteps + index), scale);
  }
  RUNED_ALWAYS_INLINE void store_minimum(size_t block, Floats minimum) const {
    static_assert(Format::kHasMinimums);
    V::store(row_of(block, kSteps + Format::kScales), minimum);
  }

 private:
  RUNED_ALWAYS_INLINE std::byte* row_of(size_t block, size_t row) const {
    return panel_ + (block * Format::kBlockRows + row) * Layout::kRowBytes;
  }

  const std::byte* rows_[kLanes];
  std::byte* panel_;
};

/// Blocks of 32 {f16 scale, int8 [32]}.
template <typename Isa, typename Format>
struct Q8Panel {
  using Rows = QuantizedRows<Isa, Format>;
  using V = Vectors<Isa>;
  static constexpr size_t kBlockBytes = 34;
  static constexpr size_t kBlocksAtOnce = V::kLanes * 4 / 32;
  static constexpr size_t kStretch = 32;  // Blocks whose scales are collected first.
  static constexpr size_t kStepElements = kBlocksAtOnce * 32;

  static void pack_lanes(const Rows& rows, size_t depth, Prefetch& prefetch) {
    const size_t blocks = depth / 32;
    for (size_t first = 0; first < blocks; first += kStretch) {
      const size_t end = blocks - first < kStretch ? blocks : first + kStretch;
      // Read again only when the stores have left the store buffer, for which a load of what
      // several of them wrote has to wait.
      alignas(64) std::byte scales[kStretch][V::kLanes * 2];
      for (size_t block = first; block < end; ++block) {
        for (size_t lane = 0; lane < V::kLanes; ++lane) {
          // Volatile, or GCC collects them in vectors, with several instructions for each.
          reinterpret_cast<volatile uint16_t&>(scales[block - first][2 * lane]) =
              load<uint16_t>(rows.at(lane, block * kBlockBytes));
        }
      }
      for (size_t block = first; block < end; block += kBlocksAtOnce) {
        prefetch.step();
        pack_values(rows, block, end - block < kBlocksAtOnce ? end - block : kBlocksAtOnce);
      }
      for (size_t block = first; block < end; ++block) {
        rows.store_scale(block, 0, Isa::load_f16(scales[block - first]));
      }
    }
  }

 private:
  static constexpr int32_t kSignBits = static_cast<int32_t>(0x80808080u);

  RUNED_ALWAYS_INLINE static void pack_values(const Rows& rows, size_t block, size_t count) {
    typename Isa::Ints words[V::kLanes];
    rows.transpose_halves(block * kBlockBytes + 2, count > 1 ? kBlockBytes : 0, words);
    for (size_t i = 0; i < count; ++i) {
      for (size_t step = 0; step < Rows::kSteps; ++step) {
        // Adds 128 to each byte.
        rows.store_step(block + i, step, words[i * Rows::kSteps + step] ^ kSignBits);
      }
    }
  }
};

/// Blocks of 256 {f16 scale, f16 minimum, 6-bit [8 scales, 8 minimums], 4-bit [256]}: each 32 bytes
/// hold two blocks of 32, the first in their low nibbles. With `kHighBits`, a fifth bit of every
/// element lies in 32 bytes before the nibbles: bit i of byte j belongs to element j of block i.
template <typename Isa, typename Format, bool kHighBits>
struct Q45Panel {
  using Rows = QuantizedRows<Isa, Format>;
  using V = Vectors<Isa>;
  using Ints = typename Isa::Ints;
  using Floats = typename Isa::Floats;
  static constexpr size_t kHighAt = 4;  // Words.
  static constexpr size_t kLowAt = kHighBits ? 12 : 4;
  static constexpr size_t kWords = kLowAt + 32;
  static constexpr size_t kStepElements = 256;

  static void pack_lanes(const Rows& rows, size_t depth, Prefetch& prefetch) {
    for (size_t k = 0, offset = 0; k < depth; k += 256, offset += 4 * kWords) {
      prefetch.step();
      Ints words[kWords];
      rows.transpose(offset, kWords, words);
      for (size_t i = 0; i < 32; ++i) {
        const size_t block = i / 8 * 2;
        const size_t step = i % 8;
        Ints first = words[kLowAt + i] & 0x0F0F0F0F;
        Ints second = words[kLowAt + i] >> 4 & 0x0F0F0F0F;
        if constexpr (kHighBits) {
          const Ints bits = words[kHighAt + step] >> static_cast<int>(block);
          first |= (bits & 0x01010101) << 4;
          second |= (bits >> 1 & 0x01010101) << 4;
        }
        rows.store_step(k / 32 + block, step, first);
        rows.store_step(k / 32 + block + 1, step, second);
      }
      pack_scales(rows, words, k / 32);
    }
  }

 private:
  // The first four scales and minimums lie in the low bits of bytes 0..7, whose high bits complete
  // the nibbles of bytes 8..11.
  RUNED_ALWAYS_INLINE static void pack_scales(const Rows& rows, const Ints* words,
                                              size_t first_block) {
    const Floats scale = V::f16_to_floats(words[0] & 0xFFFF);
    const Floats minimum = -V::f16_to_floats(words[0] >> 16 & 0xFFFF);
    for (size_t i = 0; i < 8; ++i) {
      const int shift = static_cast<int>(i % 4 * 8);
      Ints scale_6 = words[1] >> shift & 63;
      Ints minimum_6 = words[2] >> shift & 63;
      if (i >= 4) {
        const Ints nibbles = words[3] >> shift;
        scale_6 = (nibbles & 15) | (words[1] >> shift >> 6 & 3) << 4;
        minimum_6 = (nibbles >> 4 & 15) | (words[2] >> shift >> 6 & 3) << 4;
      }
      rows.store_scale(first_block + i, 0, __builtin_convertvector(scale_6, Floats) * scale);
      rows.store_minimum(first_block + i, __builtin_convertvector(minimum_6, Floats) * minimum);
    }
  }
};

/// Blocks of 256 {4-bit [256], 2-bit [256], int8 scales [16], f16 scale}. Each half of 128 has 64
/// bytes of low nibbles and 32 bytes of high bits; quarter i of it takes nibble i / 2 of bytes
/// 32 (i % 2) onwards, and bits 2 i of the high bytes. Values are off by 32.
template <typename Isa, typename Format>
struct Q6Panel {
  using Rows = QuantizedRows<Isa, Format>;
  using V = Vectors<Isa>;
  using Ints = typename Isa::Ints;
  using Floats = typename Isa::Floats;
  static constexpr size_t kBlockBytes = 210;
  static constexpr size_t kHighAt = 32;  // Words.
  static constexpr size_t kWords = 48;
  static constexpr size_t kScalesAt = 192;  // Bytes.
  static constexpr size_t kStepElements = 256;

  static void pack_lanes(const Rows& rows, size_t depth, Prefetch& prefetch) {
    for (size_t k = 0, offset = 0; k < depth; k += 256, offset += kBlockBytes) {
      prefetch.step();
      Ints words[kWords];
      rows.transpose(offset, kWords, words);
      for (size_t i = 0; i < 32; ++i) {
        const size_t quarter = i / 8 % 2;
        const size_t step = i % 8;
        const size_t block = k / 32 + i / 16 * 4 + quarter;
        const Ints bits = words[kHighAt + i / 16 * 8 + step] >> static_cast<int>(2 * quarter);
        rows.store_step(block, step, (words[i] & 0x0F0F0F0F) | (bits & 0x03030303) << 4);
        rows.store_step(block + 2, step,
                        (words[i] >> 4 & 0x0F0F0F0F) | (bits >> 4 & 0x03030303) << 4);
      }
      pack_scales(rows, offset, k / 32);
    }
  }

 private:
  // The last word of a block ends with its f16 scale, so words are two bytes off the int8 scales.
  RUNED_ALWAYS_INLINE static void pack_scales(const Rows& rows, size_t offset, size_t first_block) {
    constexpr size_t kFirstByte = kBlockBytes - 4 * V::kLanes;
    Ints words[V::kLanes];
    rows.transpose(offset + kFirstByte, V::kLanes, words);
    const Floats scale = V::f16_to_floats(words[V::kLanes - 1] >> 16 & 0xFFFF);
    for (size_t i = 0; i < 16; ++i) {
      const size_t byte = kScalesAt + i - kFirstByte;
      const Ints scale_8 = words[byte / 4] << static_cast<int>(24 - byte % 4 * 8) >> 24;
      rows.store_scale(first_block + i / 2, i % 2,
                       __builtin_convertvector(scale_8, Floats) * scale);
    }
  }
};

/// Gemm::pack from a packer of a vector of rows.
template <typename Isa, typename Format, typename Packer>
void pack_quantized(const StoredRows& rows, size_t depth, size_t first_column, void* panel,
                    const Prefetch& later) {
  Prefetch prefetch(later);
  prefetch.spread((rows.count + Vectors<Isa>::kLanes - 1) / Vectors<Isa>::kLanes *
                  (depth / Packer::kStepElements));
  for (size_t row = 0; row < round_up_to_pack(rows.count); row += Vectors<Isa>::kLanes) {
    const QuantizedRows<Isa, Format> lanes(
        rows, row, PanelLayout<Format>::at(panel, depth, 0, first_column + row));
    Packer::pack_lanes(lanes, depth, prefetch);
  }
}

}  // namespace runed::embed::native
