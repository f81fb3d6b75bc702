#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

#include "embed/model/float_formats.hpp"

namespace runed::embed::native {

/// What the kernel templates do with an instruction set's vectors besides arithmetic. Vectors are
/// the compiler's own (GCC's vector extension).
template <typename Isa>
struct Vectors {
  using Floats = typename Isa::Floats;
  using Ints = typename Isa::Ints;
  static constexpr size_t kLanes = sizeof(Floats) / sizeof(float);

  RUNED_ALWAYS_INLINE static Floats load_floats(const void* from) {
    Floats value;
    __builtin_memcpy(&value, from, sizeof value);
    return value;
  }
  /// Loads at most `count` floats; the other lanes are zero.
  RUNED_ALWAYS_INLINE static Floats load_some(const float* from, size_t count) {
    if (count >= kLanes) return load_floats(from);
    Floats value{};
    __builtin_memcpy(&value, from, count * sizeof(float));
    return value;
  }
  RUNED_ALWAYS_INLINE static Ints load_ints(const void* from) {
    Ints value;
    __builtin_memcpy(&value, from, sizeof value);
    return value;
  }
  template <typename Vector>
  RUNED_ALWAYS_INLINE static void store(void* to, Vector value) {
    __builtin_memcpy(to, &value, sizeof value);
  }
  /// Stores at most `count` floats.
  RUNED_ALWAYS_INLINE static void store_some(float* to, Floats value, size_t count) {
    if (count >= kLanes) return store(to, value);
    __builtin_memcpy(to, &value, count * sizeof(float));
  }

  /// Returns the greater in each lane; `b` where either is not a number.
  template <typename Vector>
  RUNED_ALWAYS_INLINE static Vector maximum(Vector a, Vector b) {
    return a > b ? a : b;
  }

  template <typename Vector>
  RUNED_ALWAYS_INLINE static auto greatest_of(Vector value) {
    return fold<kLanes / 2>(value, [](Vector a, Vector b) { return maximum(a, b); })[0];
  }
  template <typename Vector>
  RUNED_ALWAYS_INLINE static auto sum_of(Vector value) {
    return fold<kLanes / 2>(value, [](Vector a, Vector b) { return a + b; })[0];
  }

  /// Rounds to the nearest integer.
  /// Needs: |values| < 2^22.
  RUNED_ALWAYS_INLINE static Ints round(Floats values) {
    constexpr float kRound = 0x1.8p23f;  // Adding it leaves the nearest integer in the low bits.
    return __builtin_bit_cast(Ints, values + kRound) - __builtin_bit_cast(int32_t, kRound);
  }

  /// Converts IEEE 754 binary16 in the low halves of the lanes; as f16_to_float.
  RUNED_ALWAYS_INLINE static Floats f16_to_floats(Ints bits) {
    constexpr int32_t kExponentShift = 112 << 23;
    const Ints rest = bits & 0x7FFF;
    const Ints normal = (rest << 13) + kExponentShift + ((rest >= 0x7C00) & kExponentShift);
    const Ints subnormal =
        __builtin_bit_cast(Ints, __builtin_convertvector(rest, Floats) * 0x1p-24f);
    const Ints magnitude = rest < 0x0400 ? subnormal : normal;
    return __builtin_bit_cast(Floats, magnitude | (bits & 0x8000) << 16);
  }

  /// Transposes as many rows of 32-bit elements as a vector has lanes, each as long: writes their
  /// columns, `stride` bytes apart, the first `used` of them.
  /// `at(row, quad)` returns where four elements of a row are.
  ///
  /// Four rows apart are put together while they are loaded, which takes the load ports rather than
  /// the one port that shuffles; what is left is to transpose squares of four.
  template <typename At>
  RUNED_ALWAYS_INLINE static void transpose(const At& at, std::byte* to, size_t stride,
                                            size_t used = kLanes) {
    if (used >= kLanes) {
      transpose_quads(at, to, stride, std::make_index_sequence<kLanes / 4>{});
    } else {
      Ints columns[kLanes];
      transpose_quads(at, reinterpret_cast<std::byte*>(columns), sizeof(Ints),
                      std::make_index_sequence<kLanes / 4>{});
      for (size_t i = 0; i < used; ++i) store(to + i * stride, columns[i]);
    }
  }

 private:
  template <size_t kDistance, typename Vector, typename Combine>
  RUNED_ALWAYS_INLINE static Vector fold(Vector value, const Combine& combine) {
    value = combine(value, swap<kDistance>(value, std::make_index_sequence<kLanes>{}));
    if constexpr (kDistance > 1) value = fold<kDistance / 2>(value, combine);
    return value;
  }

  template <size_t kDistance, typename Vector, size_t... kLane>
  RUNED_ALWAYS_INLINE static Vector swap(Vector value, std::index_sequence<kLane...>) {
    return __builtin_shufflevector(value, value, (kLane ^ kDistance)...);
  }

  template <typename At, size_t... kQuad>
  RUNED_ALWAYS_INLINE static void transpose_quads(const At& at, std::byte* to, size_t stride,
                                                  std::index_sequence<kQuad...> quads) {
    (transpose_quad(at, kQuad, to + 4 * kQuad * stride, stride, quads), ...);
  }

  template <typename At, size_t... kGroup>
  RUNED_ALWAYS_INLINE static void transpose_quad(const At& at, size_t quad, std::byte* to,
                                                 size_t stride, std::index_sequence<kGroup...>) {
    const Ints a = Isa::load_quads(at(4 * kGroup, quad)...);
    const Ints b = Isa::load_quads(at(4 * kGroup + 1, quad)...);
    const Ints c = Isa::load_quads(at(4 * kGroup + 2, quad)...);
    const Ints d = Isa::load_quads(at(4 * kGroup + 3, quad)...);
    const Ints ab_low = pick<0, 0, 1, 1>(a, b);
    const Ints ab_high = pick<2, 2, 3, 3>(a, b);
    const Ints cd_low = pick<0, 0, 1, 1>(c, d);
    const Ints cd_high = pick<2, 2, 3, 3>(c, d);
    store(to, join<0>(ab_low, cd_low));
    store(to + stride, join<2>(ab_low, cd_low));
    store(to + 2 * stride, join<0>(ab_high, cd_high));
    store(to + 3 * stride, join<2>(ab_high, cd_high));
  }

  // In each quad, two elements of `a` with two of `b` in turns.
  template <size_t... kFrom>
  RUNED_ALWAYS_INLINE static Ints pick(Ints a, Ints b) {
    return pick(a, b, std::index_sequence<kFrom...>{}, std::make_index_sequence<kLanes>{});
  }
  template <size_t... kFrom, size_t... kLane>
  RUNED_ALWAYS_INLINE static Ints pick(Ints a, Ints b, std::index_sequence<kFrom...>,
                                       std::index_sequence<kLane...>) {
    constexpr size_t kOfQuad[] = {kFrom...};
    return __builtin_shufflevector(a, b,
                                   (kLane / 4 * 4 + kOfQuad[kLane % 4] + kLane % 2 * kLanes)...);
  }

  // In each quad, two elements of `a` from kFirst on, then two of `b`.
  template <size_t kFirst>
  RUNED_ALWAYS_INLINE static Ints join(Ints a, Ints b) {
    return join<kFirst>(a, b, std::make_index_sequence<kLanes>{});
  }
  template <size_t kFirst, size_t... kLane>
  RUNED_ALWAYS_INLINE static Ints join(Ints a, Ints b, std::index_sequence<kLane...>) {
    return __builtin_shufflevector(
        a, b, (kLane / 4 * 4 + kFirst + kLane % 2 + kLane % 4 / 2 * kLanes)...);
  }
};

}  // namespace runed::embed::native
