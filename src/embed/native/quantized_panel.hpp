#pragma once

#include <cstddef>
#include <cstdint>

#include "embed/native/gemm.hpp"
#include "embed/native/micro_kernel.hpp"
#include "embed/native/stored_blocks.hpp"
#include "embed/native/vectors.hpp"

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
  static constexpr size_t kScalesOfSuperBlock = 16;

  QuantizedRows(const StoredRows& rows, size_t first_row, std::byte* panel)
      : panel_(panel), row_bytes_(rows.row_bytes) {
    const size_t last = rows.count - 1;
    for (size_t lane = 0; lane < kLanes; ++lane) {
      const size_t row = first_row + lane < last ? first_row + lane : last;
      rows_[lane] = rows.first + row * rows.row_bytes;
    }
    has_next_ = first_row + kLanes <= last;
  }

  RUNED_ALWAYS_INLINE const std::byte* at(size_t lane, size_t offset) const {
    return rows_[lane] + offset;
  }

  /// Asks for the same bytes of the rows that come next.
  RUNED_ALWAYS_INLINE void prefetch_next(size_t offset, size_t bytes) const {
    if (!has_next_) return;
    for (size_t lane = 0; lane < kLanes; ++lane) {
      prefetch(rows_[lane] + kLanes * row_bytes_ + offset, bytes);
    }
  }

  /// Writes the words of 64 bytes (32, where a vector has eight lanes) at `offset` of each row, a
  /// vector of rows for each word. The second 32 bytes are `distance` from the first.
  RUNED_ALWAYS_INLINE void transpose(size_t offset, size_t distance, Ints* words) const {
    typename V::Square square;
    load(square, offset, distance, std::make_index_sequence<kLanes>{});
    square.transpose();
    square.store(reinterpret_cast<std::byte*>(words), sizeof(Ints));
  }

  /// Turns 16 numbers of each row into 16 vectors of rows.
  RUNED_ALWAYS_INLINE static void transpose_scales(const float (*of_rows)[kScalesOfSuperBlock],
                                                   Floats* scales) {
    for (size_t i = 0; i < kScalesOfSuperBlock; i += kLanes) {
      typename V::Square square;
      square.load(reinterpret_cast<const std::byte*>(of_rows) + i * sizeof(float),
                  kScalesOfSuperBlock * sizeof(float));
      square.transpose();
      square.store(reinterpret_cast<std::byte*>(scales + i), sizeof(Floats));
    }
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

  template <size_t... kLane>
  RUNED_ALWAYS_INLINE void load(typename V::Square& square, size_t offset, size_t distance,
                                std::index_sequence<kLane...>) const {
    if constexpr (sizeof(Ints) == 64) {
      ((square.rows[kLane] = Isa::load_halves(at(kLane, offset), at(kLane, offset + distance))),
       ...);
    } else {
      ((square.rows[kLane] = V::load_ints(at(kLane, offset))), ...);
    }
  }

  const std::byte* rows_[kLanes];
  std::byte* panel_;
  size_t row_bytes_;
  bool has_next_;
};

/// Blocks of 32 {f16 scale, int8 [32]}.
template <typename Isa, typename Format>
struct Q8Panel {
  using Rows = QuantizedRows<Isa, Format>;
  using V = Vectors<Isa>;
  static constexpr size_t kBlockBytes = 34;
  static constexpr size_t kBlocksAtOnce = V::kLanes * 4 / 32;

  static void pack_lanes(const Rows& rows, size_t depth) {
    const size_t blocks = depth / 32;
    for (size_t block = 0; block < blocks; block += kBlocksAtOnce) {
      const size_t offset = block * kBlockBytes;
      rows.prefetch_next(offset, kBlocksAtOnce * kBlockBytes);
      const size_t used = blocks - block < kBlocksAtOnce ? blocks - block : kBlocksAtOnce;
      typename Isa::Ints words[V::kLanes];
      rows.transpose(offset + 2, used > 1 ? kBlockBytes : 0, words);
      for (size_t i = 0; i < used; ++i) {
        for (size_t step = 0; step < Rows::kSteps; ++step) {
          // Adds 128 to each byte.
          rows.store_step(block + i, step, words[i * Rows::kSteps + step] ^ kSignBits);
        }
        rows.store_scale(block + i, 0, scales(rows, offset + i * kBlockBytes));
      }
    }
  }

 private:
  static constexpr int32_t kSignBits = static_cast<int32_t>(0x80808080u);

  RUNED_ALWAYS_INLINE static typename Isa::Floats scales(const Rows& rows, size_t offset) {
    alignas(64) std::byte halves[V::kLanes * 2];
    for (size_t lane = 0; lane < V::kLanes; ++lane) {
      __builtin_memcpy(halves + 2 * lane, rows.at(lane, offset), 2);
    }
    return Isa::load_f16(halves);
  }
};

/// The 6-bit scales and minimums of Q4_K and Q5_K, which both begin {f16 scale, f16 minimum, 12
/// bytes}: the first four of each lie in the low bits of bytes 0..7, whose high bits complete the
/// nibbles of bytes 8..11.
template <typename Isa, typename Format>
struct SixBitScales {
  using Rows = QuantizedRows<Isa, Format>;
  using V = Vectors<Isa>;
  using Floats = typename Isa::Floats;

  RUNED_ALWAYS_INLINE static void pack(const Rows& rows, size_t offset, size_t first_block) {
    alignas(64) float of_rows[V::kLanes][Rows::kScalesOfSuperBlock];
    for (size_t lane = 0; lane < V::kLanes; ++lane) decode(rows.at(lane, offset), of_rows[lane]);
    Floats scales[Rows::kScalesOfSuperBlock];
    Rows::transpose_scales(of_rows, scales);
    for (size_t i = 0; i < 8; ++i) {
      rows.store_scale(first_block + i, 0, scales[i]);
      rows.store_minimum(first_block + i, scales[8 + i]);
    }
  }

 private:
  // Writes eight scales, then eight minimums with their sign turned.
  RUNED_ALWAYS_INLINE static void decode(const std::byte* block, float* to) {
    const float scale = f16_to_float(load<uint16_t>(block));
    const float minimum = -f16_to_float(load<uint16_t>(block + 2));
    const auto a = load<uint32_t>(block + 4);
    const auto b = load<uint32_t>(block + 8);
    const auto c = load<uint32_t>(block + 12);
    constexpr uint32_t kSixBits = 0x3F3F3F3F;
    constexpr uint32_t kNibbles = 0x0F0F0F0F;
    constexpr uint32_t kTwoBits = 0x03030303;
    const uint32_t packed[] = {a & kSixBits, (c & kNibbles) | (a >> 6 & kTwoBits) << 4,
                               b & kSixBits, (c >> 4 & kNibbles) | (b >> 6 & kTwoBits) << 4};
    for (size_t i = 0; i < Rows::kScalesOfSuperBlock; i += V::kLanes) {
      const auto values = Isa::load_uint8(reinterpret_cast<const std::byte*>(packed) + i);
      const Floats is_scale =
          (V::lanes() + static_cast<int32_t>(i)) < 8 ? Floats{} + scale : Floats{} + minimum;
      V::store(to + i, __builtin_convertvector(values, Floats) * is_scale);
    }
  }
};

/// Blocks of 256 {scales and minimums, 4-bit [256]}: each 32 bytes hold two blocks of 32, the first
/// in their low nibbles. With `kHighBits`, a fifth bit of every element lies in 32 bytes before the
/// nibbles: bit i of byte j belongs to element j of block i.
template <typename Isa, typename Format, bool kHighBits>
struct Q45Panel {
  using Rows = QuantizedRows<Isa, Format>;
  using V = Vectors<Isa>;
  using Ints = typename Isa::Ints;
  static constexpr size_t kHighAt = 16;
  static constexpr size_t kLowAt = kHighBits ? 48 : 16;
  static constexpr size_t kBlockBytes = kLowAt + 128;
  static constexpr size_t kWords = 32;

  static void pack_lanes(const Rows& rows, size_t depth) {
    for (size_t k = 0, offset = 0; k < depth; k += 256, offset += kBlockBytes) {
      rows.prefetch_next(offset, kBlockBytes);
      Ints low[kWords];
      for (size_t word = 0; word < kWords; word += V::kLanes) {
        rows.transpose(offset + kLowAt + 4 * word, 32, low + word);
      }
      Ints high[V::kLanes];  // The first eight; the others are of the nibbles.
      if constexpr (kHighBits) rows.transpose(offset + kHighAt, 32, high);
      for (size_t word = 0; word < kWords; ++word) {
        const size_t block = word / 8 * 2;
        const size_t step = word % 8;
        Ints first = low[word] & 0x0F0F0F0F;
        Ints second = low[word] >> 4 & 0x0F0F0F0F;
        if constexpr (kHighBits) {
          const Ints bits = high[step] >> static_cast<int>(block);
          first |= (bits & 0x01010101) << 4;
          second |= (bits >> 1 & 0x01010101) << 4;
        }
        rows.store_step(k / 32 + block, step, first);
        rows.store_step(k / 32 + block + 1, step, second);
      }
      SixBitScales<Isa, Format>::pack(rows, offset, k / 32);
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
  static constexpr size_t kLowWords = 32;
  static constexpr size_t kHighWords = 16;

  static void pack_lanes(const Rows& rows, size_t depth) {
    for (size_t k = 0, offset = 0; k < depth; k += 256, offset += kBlockBytes) {
      rows.prefetch_next(offset, kBlockBytes);
      Ints low[kLowWords];
      Ints high[kHighWords];
      for (size_t word = 0; word < kLowWords; word += V::kLanes) {
        rows.transpose(offset + 4 * word, 32, low + word);
      }
      for (size_t word = 0; word < kHighWords; word += V::kLanes) {
        rows.transpose(offset + 128 + 4 * word, 32, high + word);
      }
      for (size_t word = 0; word < kLowWords; ++word) {
        const size_t quarter = word / 8 % 2;
        const size_t step = word % 8;
        const size_t block = k / 32 + word / 16 * 4 + quarter;
        const Ints bits = high[word / 16 * 8 + step] >> static_cast<int>(2 * quarter);
        rows.store_step(block, step, (low[word] & 0x0F0F0F0F) | (bits & 0x03030303) << 4);
        rows.store_step(block + 2, step,
                        (low[word] >> 4 & 0x0F0F0F0F) | (bits >> 4 & 0x03030303) << 4);
      }
      pack_scales(rows, offset, k / 32);
    }
  }

 private:
  RUNED_ALWAYS_INLINE static void pack_scales(const Rows& rows, size_t offset, size_t first_block) {
    alignas(64) float of_rows[V::kLanes][Rows::kScalesOfSuperBlock];
    for (size_t lane = 0; lane < V::kLanes; ++lane) {
      const std::byte* block = rows.at(lane, offset);
      const float scale = f16_to_float(load<uint16_t>(block + 208));
      for (size_t i = 0; i < Rows::kScalesOfSuperBlock; i += V::kLanes) {
        const auto values = Isa::load_int8(block + 192 + i);
        V::store(of_rows[lane] + i, __builtin_convertvector(values, Floats) * scale);
      }
    }
    Floats scales[Rows::kScalesOfSuperBlock];
    Rows::transpose_scales(of_rows, scales);
    for (size_t i = 0; i < Rows::kScalesOfSuperBlock; ++i) {
      rows.store_scale(first_block + i / 2, i % 2, scales[i]);
    }
  }
};

/// Gemm::pack from a packer of a vector of rows.
template <typename Isa, typename Format, typename Packer>
void pack_quantized(const StoredRows& rows, size_t depth, size_t first_column, void* panel) {
  for (size_t row = 0; row < (rows.count + 15) / 16 * 16; row += Vectors<Isa>::kLanes) {
    const QuantizedRows<Isa, Format> lanes(
        rows, row, PanelLayout<Format>::at(panel, depth, 0, first_column + row));
    Packer::pack_lanes(lanes, depth);
  }
}

}  // namespace runed::embed::native
