#pragma once

#include <cstddef>

#include "embed/native/gemm/dequantize.hpp"
#include "embed/native/gemm/gemm.hpp"
#include "embed/native/gemm/micro_kernel.hpp"
#include "embed/native/gemm/stored_blocks.hpp"
#include "embed/native/isa/vectors.hpp"

namespace runed::embed::native {

/// Packs weights of any type into panels of a format that input rows can have, too: each row is
/// dequantized and prepared like an input row, a stretch at a time so that it stays in L1, and as
/// many rows as a vector has lanes are transposed together.
template <typename Isa, typename Format>
struct TransposedPanel {
  using V = Vectors<Isa>;
  using Input = typename Format::Input;
  using Layout = PanelLayout<Format>;
  static constexpr size_t kStretch = 256;
  static constexpr size_t kBlocks = kStretch / Input::kBlockElements;
  static constexpr size_t kLine = 64;  // Rows a power of two apart would share cache sets.
  static constexpr size_t kStride = kBlocks * Input::kBlockBytes + kLine;
  static constexpr bool kHasScales = Format::kBlockRows > Input::kSteps;

  static void pack(const StoredRows& rows, size_t depth, size_t first_column, void* panel,
                   const Prefetch& later) {
    Prefetch prefetch(later);
    prefetch.spread(round_up_to_pack(rows.count) * ((depth + kStretch - 1) / kStretch));
    for (size_t row = 0; row < round_up_to_pack(rows.count); row += V::kLanes) {
      for (size_t k = 0; k < depth; k += kStretch) {
        const size_t count = depth - k < kStretch ? depth - k : kStretch;
        alignas(64) std::byte prepared[V::kLanes * kStride];
        for (size_t lane = 0; lane < V::kLanes; ++lane) {
          prefetch.step();
          prepare(rows, row + lane, k, count, prepared + lane * kStride);
        }
        const size_t blocks = (count + Input::kBlockElements - 1) / Input::kBlockElements;
        transpose(prepared, blocks,
                  Layout::at(panel, depth, k / Input::kBlockElements * Format::kBlockRows,
                             first_column + row));
      }
    }
  }

 private:
  static void prepare(const StoredRows& rows, size_t row, size_t k, size_t count, std::byte* to) {
    const BlockSize block = block_size(rows.type);
    const size_t last = rows.count - 1;
    const std::byte* from =
        rows.first + (row < last ? row : last) * rows.row_bytes + k / block.elements * block.bytes;
    if constexpr (Format::kIsFloat) {
      Dequantizer<Isa>::run(rows.type, from, count, reinterpret_cast<float*>(to));
    } else {
      alignas(64) float values[kStretch];
      Dequantizer<Isa>::run(rows.type, from, count, values);
      Input::prepare(values, count, to);
    }
  }

  static void transpose(const std::byte* prepared, size_t blocks, std::byte* to) {
    const size_t steps = kHasScales ? Input::kSteps : blocks * Input::kSteps;
    for (size_t done = 0; done < blocks * Input::kSteps; done += steps) {
      for (size_t step = 0; step < steps; step += V::kLanes) {
        V::transpose([&](size_t lane,
                         size_t quad) { return prepared + lane * kStride + (step + 4 * quad) * 4; },
                     to + step * Layout::kRowBytes, Layout::kRowBytes, steps - step);
      }
      if constexpr (kHasScales) {
        float scales[V::kLanes];
        for (size_t lane = 0; lane < V::kLanes; ++lane) {
          scales[lane] = load<float>(prepared + lane * kStride + Input::kScaleAt);
        }
        V::store(to + steps * Layout::kRowBytes, V::load_floats(scales));
        prepared += Input::kBlockBytes;
        to += Format::kBlockRows * Layout::kRowBytes;
      }
    }
  }
};

}  // namespace runed::embed::native
