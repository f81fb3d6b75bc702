#pragma once

#include <cstddef>
#include <cstdint>

#include "embed/native/gemm/input_rows.hpp"
#include "embed/native/gemm/micro_kernel.hpp"
#include "embed/native/isa/vectors.hpp"

namespace runed::embed::native {

/// Packs f32 rows as the rows of a panel (attention's values: a row is a key, a column an element of
/// the head), for formats of one f32 or two bfloat16 a step.
template <typename Isa, typename Format>
struct PlainValuePanel {
  using V = Vectors<Isa>;
  using Layout = PanelLayout<Format>;
  static constexpr size_t kRowsOfStep = Format::Input::kBlockElements;

  static void pack_as_rows(const float* rows, size_t stride, size_t depth, size_t columns,
                           void* panel) {
    for (size_t k = 0; k < depth; k += kRowsOfStep) {
      for (size_t column = 0; column < kPanelColumns; column += V::kLanes) {
        const size_t used = columns > column ? columns - column : 0;
        const float* from = rows + k * stride + column;
        std::byte* to = Layout::at(panel, depth, k / kRowsOfStep, column);
        if constexpr (kRowsOfStep == 1) {
          V::store(to, V::load_some(from, used));
        } else {
          const auto second = V::load_some(from + stride, k + 1 < depth ? used : 0);
          V::store(to, Isa::round_to_bf16(V::load_some(from, used)) | Isa::round_to_bf16(second)
                                                                          << 16);
        }
      }
    }
  }
};

/// The same for int16 in blocks, whose scales are of 64 keys and one column.
template <typename Isa, typename Format>
struct Int16ValuePanel {
  using V = Vectors<Isa>;
  using Floats = typename Isa::Floats;
  using Ints = typename Isa::Ints;
  using Input = typename Format::Input;
  using Layout = PanelLayout<Format>;

  static void pack_as_rows(const float* rows, size_t stride, size_t depth, size_t columns,
                           void* panel) {
    for (size_t k = 0; k < depth; k += Input::kBlockElements) {
      const size_t count = depth - k < Input::kBlockElements ? depth - k : Input::kBlockElements;
      for (size_t column = 0; column < kPanelColumns; column += V::kLanes) {
        const size_t used = columns > column ? columns - column : 0;
        pack_block(
            {rows + k * stride + column, stride, count, used},
            Layout::at(panel, depth, k / Input::kBlockElements * Format::kBlockRows, column));
      }
    }
  }

 private:
  struct Block {
    const float* rows;
    size_t stride;
    size_t count;
    size_t used;  // Columns, or more.

    RUNED_ALWAYS_INLINE Floats row(size_t index) const {
      return V::load_some(rows + index * stride, index < count ? used : 0);
    }
  };

  static void pack_block(const Block& block, std::byte* to) {
    Ints greatest{};
    for (size_t i = 0; i < block.count; ++i) {
      const Ints bits = __builtin_bit_cast(Ints, block.row(i));
      greatest = V::maximum(greatest, bits & 0x7FFFFFFF);
    }
    const Floats magnitude = __builtin_bit_cast(Floats, greatest);
    const Floats inverse = magnitude > 0x1p-100f ? Input::kMost / magnitude : Floats{};
    for (size_t step = 0; step < Input::kSteps; ++step, to += Layout::kRowBytes) {
      const Ints first = V::round(block.row(2 * step) * inverse);
      const Ints second = V::round(block.row(2 * step + 1) * inverse);
      V::store(to, (first & 0xFFFF) | second << 16);
    }
    V::store(to, magnitude * (1 / Input::kMost));
  }
};

}  // namespace runed::embed::native
