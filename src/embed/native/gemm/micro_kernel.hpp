#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

#include "embed/native/gemm/gemm.hpp"
#include "embed/native/isa/vectors.hpp"

// The micro-kernel: up to six input rows by a panel of 64 columns, for one instruction set and one
// number format. A panel is cut into strips as wide as the registers can hold six rows of sums of;
// a step takes four bytes of each row and a vector row of the strip.
//
// Accumulators are indexed by constants only: an array that a loop indexes stays in memory on GCC
// 12.
namespace runed::embed::native {

/// Where a number of a panel is: [strip][panel row][strip columns], four bytes each. A panel row is
/// a step or, in formats of blocks, a block's scales or minimums after its steps.
template <typename Format>
struct PanelLayout {
  static constexpr size_t kStripColumns = Format::kStripColumns;
  static constexpr size_t kRowBytes = kStripColumns * 4;
  static_assert(kPanelColumns % kStripColumns == 0);

  RUNED_ALWAYS_INLINE static size_t blocks(size_t depth) {
    return (depth + Format::Input::kBlockElements - 1) / Format::Input::kBlockElements;
  }
  static size_t panel_bytes(size_t depth) {
    return blocks(depth) * Format::kBlockRows * kPanelColumns * 4;
  }
  static size_t row_bytes(size_t depth) { return blocks(depth) * Format::Input::kBlockBytes; }

  RUNED_ALWAYS_INLINE static std::byte* at(void* panel, size_t depth, size_t row, size_t column) {
    const size_t strip = column / kStripColumns * blocks(depth) * Format::kBlockRows * kRowBytes;
    return static_cast<std::byte*>(panel) + strip + row * kRowBytes + column % kStripColumns * 4;
  }
};

/// Formats whose products are summed as they are: one sum for each element of the tile.
template <typename Isa, typename FormatOf>
struct PlainKernel {
  using V = Vectors<Isa>;
  using Floats = typename Isa::Floats;
  using Format = FormatOf;

  struct Row {
    Floats sums[Format::kVectors];
  };

  /// Returns how often a strip takes a step of the prefetch.
  static size_t prefetch_steps(size_t /*depth*/) { return 1; }

  template <size_t... kRow, size_t... kVector>
  static void multiply_strip(const std::byte* strip, size_t depth, const std::byte* rows,
                             size_t stride, float* tile, Prefetch& prefetch,
                             std::index_sequence<kRow...>,
                             std::index_sequence<kVector...> vectors) {
    Row sums[sizeof...(kRow)];
    (clear(sums[kRow], vectors), ...);
    const std::byte* const in[] = {rows + kRow * stride...};
    prefetch.step();
    const size_t steps = PanelLayout<Format>::blocks(depth);
    for (size_t step = 0; step < steps; ++step, strip += PanelLayout<Format>::kRowBytes) {
      const Floats weights[] = {V::load_floats(strip + kVector * sizeof(Floats))...};
      (add_products(sums[kRow], weights, in[kRow] + step * 4, vectors), ...);
    }
    (store_row(sums[kRow], tile + kRow * kPanelColumns, vectors), ...);
  }

 private:
  template <size_t... kVector>
  RUNED_ALWAYS_INLINE static void clear(Row& row, std::index_sequence<kVector...>) {
    ((row.sums[kVector] = Floats{}), ...);
  }
  template <size_t... kVector>
  RUNED_ALWAYS_INLINE static void add_products(Row& row, const Floats* weights,
                                               const std::byte* input,
                                               std::index_sequence<kVector...>) {
    const auto factor = Format::broadcast(input);
    (Format::add_product(row.sums[kVector], weights[kVector], factor), ...);
  }
  template <size_t... kVector>
  RUNED_ALWAYS_INLINE static void store_row(const Row& row, float* to,
                                            std::index_sequence<kVector...>) {
    (V::store(to + kVector * V::kLanes, row.sums[kVector]), ...);
  }
};

/// Formats of integers in blocks with scales: products are summed in integers, exactly, as far as
/// one scale of the weights reaches, and then in floats.
template <typename Isa, typename FormatOf>
struct BlockKernel {
  using V = Vectors<Isa>;
  using Floats = typename Isa::Floats;
  using Ints = typename Isa::Ints;
  using Format = FormatOf;
  using Input = typename Format::Input;
  static constexpr size_t kRowBytes = PanelLayout<Format>::kRowBytes;
  static constexpr size_t kStepsOfScale = Input::kSteps / Format::kScales;

  struct Row {
    Floats totals[Format::kVectors];
    Ints sums[Format::kVectors];
  };

  /// Returns how often a strip takes a step of the prefetch.
  static size_t prefetch_steps(size_t depth) { return PanelLayout<Format>::blocks(depth); }

  template <size_t... kRow, size_t... kVector>
  static void multiply_strip(const std::byte* strip, size_t depth, const std::byte* rows,
                             size_t stride, float* tile, Prefetch& prefetch,
                             std::index_sequence<kRow...>,
                             std::index_sequence<kVector...> vectors) {
    Row sums[sizeof...(kRow)];
    (clear(sums[kRow], vectors), ...);
    const std::byte* in[] = {rows + kRow * stride...};
    for (size_t left = PanelLayout<Format>::blocks(depth); left > 0; --left) {
      prefetch.step();
      for (size_t scale = 0; scale < Format::kScales; ++scale) {
        (start(sums[kRow], in[kRow], scale, vectors), ...);
#pragma GCC unroll 8
        for (size_t step = 0; step < kStepsOfScale; ++step, strip += kRowBytes) {
          const Ints weights[] = {V::load_ints(strip + kVector * sizeof(Ints))...};
          (add_products(sums[kRow], weights, in[kRow] + (scale * kStepsOfScale + step) * 4,
                        vectors),
           ...);
        }
        const std::byte* scales =
            strip + (Input::kSteps - (scale + 1) * kStepsOfScale) * kRowBytes + scale * kRowBytes;
        const Floats scale_row[] = {V::load_floats(scales + kVector * sizeof(Floats))...};
        (add_sums(sums[kRow], scale_row, in[kRow], vectors), ...);
      }
      strip += Format::kScales * kRowBytes;
      if constexpr (Format::kHasMinimums) {
        const Floats minimums[] = {V::load_floats(strip + kVector * sizeof(Floats))...};
        (add_minimums(sums[kRow], minimums, in[kRow], vectors), ...);
        strip += kRowBytes;
      }
      ((in[kRow] += Input::kBlockBytes), ...);
    }
    (store_row(sums[kRow], tile + kRow * kPanelColumns, vectors), ...);
  }

 private:
  template <size_t... kVector>
  RUNED_ALWAYS_INLINE static void clear(Row& row, std::index_sequence<kVector...>) {
    ((row.totals[kVector] = Floats{}), ...);
  }
  template <size_t... kVector>
  RUNED_ALWAYS_INLINE static void start(Row& row, const std::byte* input, size_t scale,
                                        std::index_sequence<kVector...>) {
    const Ints first = Format::first_sum(input, scale);
    ((row.sums[kVector] = first), ...);
  }
  template <size_t... kVector>
  RUNED_ALWAYS_INLINE static void add_products(Row& row, const Ints* weights,
                                               const std::byte* input,
                                               std::index_sequence<kVector...>) {
    const Ints factor = Ints{} + load<int32_t>(input);
    (Format::add_products(row.sums[kVector], weights[kVector], factor), ...);
  }
  template <size_t... kVector>
  RUNED_ALWAYS_INLINE static void add_sums(Row& row, const Floats* scales, const std::byte* input,
                                           std::index_sequence<kVector...>) {
    const float scale = load<float>(input + Input::kScaleAt);
    ((row.totals[kVector] +=
      __builtin_convertvector(row.sums[kVector], Floats) * (scales[kVector] * scale)),
     ...);
  }
  template <size_t... kVector>
  RUNED_ALWAYS_INLINE static void add_minimums(Row& row, const Floats* minimums,
                                               const std::byte* input,
                                               std::index_sequence<kVector...>) {
    const float sum = load<float>(input + Input::kScaledSumAt);
    ((row.totals[kVector] += minimums[kVector] * sum), ...);
  }
  template <size_t... kVector>
  RUNED_ALWAYS_INLINE static void store_row(const Row& row, float* to,
                                            std::index_sequence<kVector...>) {
    (V::store(to + kVector * V::kLanes, row.totals[kVector]), ...);
  }
};

/// Gemm::multiply from a kernel's strips.
template <typename Kernel>
void multiply_panel(const void* panel, size_t depth, const void* rows, size_t stride,
                    size_t row_count, float* tile, const Prefetch& later) {
  using Format = typename Kernel::Format;
  using Layout = PanelLayout<Format>;
  Prefetch prefetch(later);
  prefetch.spread(kPanelColumns / Layout::kStripColumns * Kernel::prefetch_steps(depth));
  const auto run = [&]<size_t kRows>(std::integral_constant<size_t, kRows>) {
    for (size_t first = 0; first < kPanelColumns; first += Layout::kStripColumns) {
      Kernel::multiply_strip(Layout::at(const_cast<void*>(panel), depth, 0, first), depth,
                             static_cast<const std::byte*>(rows), stride, tile + first, prefetch,
                             std::make_index_sequence<kRows>{},
                             std::make_index_sequence<Format::kVectors>{});
    }
  };
  switch (row_count) {
    case 1:
      return run(std::integral_constant<size_t, 1>{});
    case 2:
      return run(std::integral_constant<size_t, 2>{});
    case 3:
      return run(std::integral_constant<size_t, 3>{});
    case 4:
      return run(std::integral_constant<size_t, 4>{});
    case 5:
      return run(std::integral_constant<size_t, 5>{});
    default:
      return run(std::integral_constant<size_t, 6>{});
  }
}

}  // namespace runed::embed::native
