#pragma once

#include <cstddef>
#include <cstdint>

#include "embed/native/gemm/gemm.hpp"
#include "embed/native/gemm/input_rows.hpp"
#include "embed/native/gemm/micro_kernel.hpp"
#include "embed/native/gemm/quantized_panel.hpp"
#include "embed/native/gemm/transposed_panel.hpp"
#include "embed/native/gemm/value_panel.hpp"

// The number formats of products, each the description that the templates of panels and
// micro-kernels take, and the Gemm that they make for one instruction set.
namespace runed::embed::native {

template <typename Isa, size_t kVectorsOf>
struct FormatWidth {
  static constexpr size_t kVectors = kVectorsOf;
  static constexpr size_t kStripColumns = kVectors * Vectors<Isa>::kLanes;
};

template <typename Isa>
struct F32Format : FormatWidth<Isa, Isa::kPlainVectors> {
  using Input = F32Rows<Isa>;
  static constexpr bool kIsFloat = true;
  static constexpr size_t kBlockRows = Input::kSteps;

  RUNED_ALWAYS_INLINE static float broadcast(const std::byte* input) { return load<float>(input); }
  RUNED_ALWAYS_INLINE static void add_product(typename Isa::Floats& sum,
                                              typename Isa::Floats weights, float factor) {
    sum += factor * weights;
  }
};

/// Two products of bfloat16 a step, summed in f32.
template <typename Isa>
struct Bf16Format : FormatWidth<Isa, Isa::kPlainVectors> {
  using Input = Bf16Rows<Isa>;
  static constexpr bool kIsFloat = false;
  static constexpr size_t kBlockRows = Input::kSteps;

  RUNED_ALWAYS_INLINE static typename Isa::Ints broadcast(const std::byte* input) {
    return typename Isa::Ints{} + load<int32_t>(input);
  }
  RUNED_ALWAYS_INLINE static void add_product(typename Isa::Floats& sum,
                                              typename Isa::Floats weights,
                                              typename Isa::Ints factor) {
    sum = Isa::add_bf16_products(sum, weights, factor);
  }
};

/// Two products of int16 a step, in blocks of 64.
template <typename Isa>
struct Int16Format : FormatWidth<Isa, Isa::kBlockVectors> {
  using Input = Int16Rows<Isa>;
  using Ints = typename Isa::Ints;
  static constexpr bool kIsFloat = false;
  static constexpr size_t kScales = 1;
  static constexpr bool kHasMinimums = false;
  static constexpr size_t kBlockRows = Input::kSteps + kScales;

  RUNED_ALWAYS_INLINE static Ints first_sum(const std::byte*, size_t) { return Ints{}; }
  RUNED_ALWAYS_INLINE static void add_products(Ints& sum, Ints weights, Ints factor) {
    Isa::add_int16_products(sum, weights, factor);
  }
};

/// Four products of a byte without a sign and an int8 a step, in blocks of 32 inputs.
template <typename Isa, size_t kScalesOf, bool kMinimums>
struct Int8Format : FormatWidth<Isa, Isa::kBlockVectors> {
  using Input = Int8Rows<Isa>;
  using Ints = typename Isa::Ints;
  static constexpr size_t kScales = kScalesOf;
  static constexpr bool kHasMinimums = kMinimums;
  static constexpr size_t kBlockRows = Input::kSteps + kScales + (kMinimums ? 1 : 0);

  RUNED_ALWAYS_INLINE static void add_products(Ints& sum, Ints weights, Ints factor) {
    Isa::add_int8_products(sum, weights, factor);
  }
};

/// Weights have 128 added.
template <typename Isa>
struct Q8Format : Int8Format<Isa, 1, false> {
  RUNED_ALWAYS_INLINE static typename Isa::Ints first_sum(const std::byte* input, size_t) {
    return typename Isa::Ints{} + load<int32_t>(input + Int8Rows<Isa>::kMinus128At);
  }
};

/// Weights have 32 added, and a scale for every 16.
template <typename Isa>
struct Q6Format : Int8Format<Isa, 2, false> {
  RUNED_ALWAYS_INLINE static typename Isa::Ints first_sum(const std::byte* input, size_t scale) {
    return typename Isa::Ints{} + load<int32_t>(input + Int8Rows<Isa>::kMinus32At + 4 * scale);
  }
};

/// Weights count from a minimum.
template <typename Isa>
struct Q45Format : Int8Format<Isa, 1, true> {
  RUNED_ALWAYS_INLINE static typename Isa::Ints first_sum(const std::byte*, size_t) {
    return typename Isa::Ints{};
  }
};

template <typename Isa>
consteval Gemm make_f32_gemm() {
  using Format = F32Format<Isa>;
  return {.block_elements = Format::Input::kBlockElements,
          .row_bytes = PanelLayout<Format>::row_bytes,
          .prepare = nullptr,
          .panel_bytes = PanelLayout<Format>::panel_bytes,
          .pack = TransposedPanel<Isa, Format>::pack,
          .pack_as_rows = PlainValuePanel<Isa, Format>::pack_as_rows,
          .multiply = multiply_panel<PlainKernel<Isa, Format>>};
}

template <typename Isa>
consteval Gemm make_bf16_gemm() {
  using Format = Bf16Format<Isa>;
  return {.block_elements = Format::Input::kBlockElements,
          .row_bytes = PanelLayout<Format>::row_bytes,
          .prepare = Format::Input::prepare,
          .panel_bytes = PanelLayout<Format>::panel_bytes,
          .pack = TransposedPanel<Isa, Format>::pack,
          .pack_as_rows = PlainValuePanel<Isa, Format>::pack_as_rows,
          .multiply = multiply_panel<PlainKernel<Isa, Format>>};
}

template <typename Isa>
consteval Gemm make_int16_gemm() {
  using Format = Int16Format<Isa>;
  return {.block_elements = Format::Input::kBlockElements,
          .row_bytes = PanelLayout<Format>::row_bytes,
          .prepare = Format::Input::prepare,
          .panel_bytes = PanelLayout<Format>::panel_bytes,
          .pack = TransposedPanel<Isa, Format>::pack,
          .pack_as_rows = Int16ValuePanel<Isa, Format>::pack_as_rows,
          .multiply = multiply_panel<BlockKernel<Isa, Format>>};
}

template <typename Isa, typename Format, typename Packer>
consteval Gemm make_int8_gemm() {
  return {.block_elements = Format::Input::kBlockElements,
          .row_bytes = PanelLayout<Format>::row_bytes,
          .prepare = Format::Input::prepare,
          .panel_bytes = PanelLayout<Format>::panel_bytes,
          .pack = pack_quantized<Isa, Format, Packer>,
          .pack_as_rows = nullptr,
          .multiply = multiply_panel<BlockKernel<Isa, Format>>};
}

template <typename Isa>
consteval Int8Gemms make_int8_gemms() {
  using Q8 = Q8Format<Isa>;
  using Q6 = Q6Format<Isa>;
  using Q45 = Q45Format<Isa>;
  return {.q8_0 = make_int8_gemm<Isa, Q8, Q8Panel<Isa, Q8>>(),
          .q6_k = make_int8_gemm<Isa, Q6, Q6Panel<Isa, Q6>>(),
          .q5_k = make_int8_gemm<Isa, Q45, Q45Panel<Isa, Q45, true>>(),
          .q4_k = make_int8_gemm<Isa, Q45, Q45Panel<Isa, Q45, false>>()};
}

}  // namespace runed::embed::native
