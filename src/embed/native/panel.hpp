#pragma once

#include <cstddef>
#include <utility>

#include "embed/native/dequantize.hpp"
#include "embed/native/kernel.hpp"

namespace runed::embed::native {

/// Packs and multiplies f32 panels, for one instruction set. A panel is cut into strips as wide as
/// the registers can hold six rows of: [strip][depth][kStripColumns], one strip for AVX-512.
///
/// Vectors are the compiler's own (GCC's vector extension), which become FMA instructions where the
/// file's flags allow it. Accumulators are named members, indexed at compile time only: an array
/// that a loop indexes stays in memory on GCC 12.
template <typename Isa>
struct Panels {
  using Floats = typename Isa::Floats;
  static constexpr size_t kLanes = sizeof(Floats) / sizeof(float);
  static constexpr size_t kStripColumns = Isa::kStripVectors * kLanes;
  static constexpr size_t kChunk = 256;  // Columns dequantized at a time, so that they stay in L1.
  static constexpr size_t kChunkStride = kChunk + 16;  // Rows 1024 bytes apart share cache sets.
  static_assert(kPanelColumns % kStripColumns == 0 && 16 % kLanes == 0);

  static size_t panel_bytes(size_t depth) { return depth * kPanelColumns * sizeof(float); }

  static void pack(const StoredRows& rows, size_t depth, size_t first_column, void* panel) {
    const BlockSize block = block_size(rows.type);
    for (size_t row = 0; row < (rows.count + 15) / 16 * 16; row += kLanes) {
      for (size_t k = 0; k < depth; k += kChunk) {
        const size_t count = depth - k < kChunk ? depth - k : kChunk;
        alignas(64) float chunk[kLanes * kChunkStride];
        for (size_t lane = 0; lane < kLanes; ++lane) {
          float* to = chunk + lane * kChunkStride;
          if (row + lane < rows.count) {
            const std::byte* from =
                rows.first + (row + lane) * rows.row_bytes + k / block.elements * block.bytes;
            if (row + lane + kLanes < rows.count) {
              prefetch(from + kLanes * rows.row_bytes, count / block.elements * block.bytes);
            }
            Dequantizer<Isa>::run(rows.type, from, count, to);
          } else {
            __builtin_memset(to, 0, kChunk * sizeof(float));
          }
        }
        transpose_chunk(chunk, count, at(panel, depth, k, first_column + row));
      }
    }
  }

  static void pack_as_rows(const float* rows, size_t stride, size_t depth, size_t columns,
                           void* panel) {
    for (size_t first = 0; first < kPanelColumns; first += kStripColumns) {
      const size_t left = columns > first ? columns - first : 0;
      const size_t used = left < kStripColumns ? left : kStripColumns;
      float* to = at(panel, depth, 0, first);
      for (size_t k = 0; k < depth; ++k, to += kStripColumns) {
        const float* from = rows + k * stride + first;
        if (used == kStripColumns) {
          __builtin_memcpy(to, from, kStripColumns * sizeof(float));  // A few vector moves.
        } else {
          __builtin_memcpy(to, from, used * sizeof(float));
          __builtin_memset(to + used, 0, (kStripColumns - used) * sizeof(float));
        }
      }
    }
  }

  static void multiply(const void* panel, size_t depth, const float* rows, size_t stride,
                       size_t row_count, float* tile) {
    for (size_t first = 0; first < kPanelColumns; first += kStripColumns) {
      const float* strip = static_cast<const float*>(panel) + first * depth;
      const Operands operands{strip, depth, rows, stride, tile + first};
      switch (row_count) {
        case 1:
          multiply_strip(operands, std::make_index_sequence<1>{});
          break;
        case 2:
          multiply_strip(operands, std::make_index_sequence<2>{});
          break;
        case 3:
          multiply_strip(operands, std::make_index_sequence<3>{});
          break;
        case 4:
          multiply_strip(operands, std::make_index_sequence<4>{});
          break;
        case 5:
          multiply_strip(operands, std::make_index_sequence<5>{});
          break;
        default:
          multiply_strip(operands, std::make_index_sequence<6>{});
          break;
      }
    }
  }

 private:
  struct BlockSize {
    size_t elements;
    size_t bytes;
  };

  // As block_layout(), which a file built for one instruction set may not call.
  RUNED_ALWAYS_INLINE static BlockSize block_size(TensorType type) {
    switch (type) {
      case TensorType::f32:
        return {1, 4};
      case TensorType::f16:
        return {1, 2};
      case TensorType::bf16:
        return {1, 2};
      case TensorType::q8_0:
        return {32, 34};
      case TensorType::q6_k:
        return {256, 210};
      case TensorType::q5_k:
        return {256, 176};
      case TensorType::q4_k:
        return {256, 144};
    }
    __builtin_unreachable();
  }

  // Rows lie far apart, so the hardware does not foresee the jump from one chunk to the next.
  RUNED_ALWAYS_INLINE static void prefetch(const std::byte* from, size_t bytes) {
    for (size_t offset = 0; offset < bytes; offset += 64) __builtin_prefetch(from + offset);
  }

  RUNED_ALWAYS_INLINE static float* at(void* panel, size_t depth, size_t k, size_t column) {
    const size_t strip = column / kStripColumns * kStripColumns * depth;
    return static_cast<float*>(panel) + strip + k * kStripColumns + column % kStripColumns;
  }

  RUNED_ALWAYS_INLINE static Floats load_floats(const float* from) {
    Floats value;
    __builtin_memcpy(&value, from, sizeof value);
    return value;
  }

  RUNED_ALWAYS_INLINE static void store_floats(float* to, Floats value) {
    __builtin_memcpy(to, &value, sizeof value);
  }

  template <size_t... kLane>
  RUNED_ALWAYS_INLINE static Floats zip_low(Floats a, Floats b, std::index_sequence<kLane...>) {
    return __builtin_shufflevector(a, b, (kLane % 2 * kLanes + kLane / 2)...);
  }

  template <size_t... kLane>
  RUNED_ALWAYS_INLINE static Floats zip_high(Floats a, Floats b, std::index_sequence<kLane...>) {
    return __builtin_shufflevector(a, b, (kLane % 2 * kLanes + kLanes / 2 + kLane / 2)...);
  }

  // One perfect shuffle of all elements; log2(kLanes) of them transpose the square.
  template <size_t... kPair>
  RUNED_ALWAYS_INLINE static void shuffle(Floats (&square)[kLanes], std::index_sequence<kPair...>) {
    constexpr std::make_index_sequence<kLanes> kAll{};
    Floats next[kLanes];
    ((next[2 * kPair] = zip_low(square[kPair], square[kPair + kLanes / 2], kAll),
      next[2 * kPair + 1] = zip_high(square[kPair], square[kPair + kLanes / 2], kAll)),
     ...);
    ((square[2 * kPair] = next[2 * kPair], square[2 * kPair + 1] = next[2 * kPair + 1]), ...);
  }

  template <size_t... kLane>
  RUNED_ALWAYS_INLINE static void load_square(const float* chunk, Floats (&square)[kLanes],
                                              std::index_sequence<kLane...>) {
    ((square[kLane] = load_floats(chunk + kLane * kChunkStride)), ...);
  }

  // Writes kLanes rows of `count` elements as `count` rows of kLanes elements.
  static void transpose_chunk(const float* chunk, size_t count, float* to) {
    constexpr std::make_index_sequence<kLanes> kAll{};
    constexpr std::make_index_sequence<kLanes / 2> kPairs{};
    for (size_t k = 0; k < count; k += kLanes) {
      Floats square[kLanes];
      load_square(chunk + k, square, kAll);
      for (size_t done = 1; done < kLanes; done *= 2) shuffle(square, kPairs);
      const size_t used = count - k < kLanes ? count - k : kLanes;
      for (size_t i = 0; i < used; ++i) store_floats(to + (k + i) * kStripColumns, square[i]);
    }
  }

  struct Operands {
    const float* strip;
    size_t depth;
    const float* rows;
    size_t stride;
    float* tile;
  };

  template <typename Sequence>
  struct StripRow;

  template <size_t... kVector>
  struct StripRow<std::index_sequence<kVector...>> {
    Floats sums[sizeof...(kVector)];

    RUNED_ALWAYS_INLINE void clear() { ((sums[kVector] = Floats{}), ...); }
    RUNED_ALWAYS_INLINE void load_from(const float* from) {
      ((sums[kVector] = load_floats(from + kVector * kLanes)), ...);
    }
    RUNED_ALWAYS_INLINE void add_product(float factor, const StripRow& weights) {
      ((sums[kVector] += factor * weights.sums[kVector]), ...);
    }
    RUNED_ALWAYS_INLINE void store_to(float* to) const {
      (store_floats(to + kVector * kLanes, sums[kVector]), ...);
    }
  };

  template <size_t... kRow>
  static void multiply_strip(const Operands& operands, std::index_sequence<kRow...>) {
    using Row = StripRow<std::make_index_sequence<Isa::kStripVectors>>;
    Row tile[sizeof...(kRow)];
    (tile[kRow].clear(), ...);
    const float* const rows[] = {operands.rows + kRow * operands.stride...};
    const float* strip = operands.strip;
    for (size_t k = 0; k < operands.depth; ++k, strip += kStripColumns) {
      Row weights;
      weights.load_from(strip);
      (tile[kRow].add_product(rows[kRow][k], weights), ...);
    }
    (tile[kRow].store_to(operands.tile + kRow * kPanelColumns), ...);
  }
};

}  // namespace runed::embed::native
