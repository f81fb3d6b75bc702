#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

#include "embed/native/float_formats.hpp"

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

  /// As many rows of 32-bit elements as they have lanes.
  struct Square {
    Ints rows[kLanes];

    /// Loads rows `stride` bytes apart.
    RUNED_ALWAYS_INLINE void load(const std::byte* from, size_t stride) {
      load(from, stride, std::make_index_sequence<kLanes>{});
    }

    /// Stores the first `used` rows, `stride` bytes apart.
    RUNED_ALWAYS_INLINE void store(std::byte* to, size_t stride, size_t used = kLanes) const {
      if (used >= kLanes) return store(to, stride, std::make_index_sequence<kLanes>{});
      Ints
          copy[kLanes];  // Indexing the rows themselves would keep them in memory on the way above.
      store(reinterpret_cast<std::byte*>(copy), sizeof(Ints), std::make_index_sequence<kLanes>{});
      for (size_t i = 0; i < used; ++i) Vectors::store(to + i * stride, copy[i]);
    }

    /// Makes rows columns: first within four rows and quads of lanes, then quad by quad.
    RUNED_ALWAYS_INLINE void transpose() {
      transpose_quads(std::make_index_sequence<kLanes / 4>{});
      if constexpr (kLanes > 4) gather_quads(std::make_index_sequence<4>{});
    }

   private:
    template <size_t... kRow>
    RUNED_ALWAYS_INLINE void load(const std::byte* from, size_t stride,
                                  std::index_sequence<kRow...>) {
      ((rows[kRow] = load_ints(from + kRow * stride)), ...);
    }

    template <size_t... kRow>
    RUNED_ALWAYS_INLINE void store(std::byte* to, size_t stride,
                                   std::index_sequence<kRow...>) const {
      (Vectors::store(to + kRow * stride, rows[kRow]), ...);
    }

    template <size_t... kGroup>
    RUNED_ALWAYS_INLINE void transpose_quads(std::index_sequence<kGroup...>) {
      (transpose_quads(rows[4 * kGroup], rows[4 * kGroup + 1], rows[4 * kGroup + 2],
                       rows[4 * kGroup + 3]),
       ...);
    }

    RUNED_ALWAYS_INLINE static void transpose_quads(Ints& a, Ints& b, Ints& c, Ints& d) {
      const Ints ab_low = pick<0, 0, 1, 1>(a, b);
      const Ints ab_high = pick<2, 2, 3, 3>(a, b);
      const Ints cd_low = pick<0, 0, 1, 1>(c, d);
      const Ints cd_high = pick<2, 2, 3, 3>(c, d);
      a = join<0>(ab_low, cd_low);
      b = join<2>(ab_low, cd_low);
      c = join<0>(ab_high, cd_high);
      d = join<2>(ab_high, cd_high);
    }

    template <size_t... kColumn>
    RUNED_ALWAYS_INLINE void gather_quads(std::index_sequence<kColumn...>) {
      (gather_quads<kColumn>(), ...);
    }

    // Row 4 g + column has, in its quad q, column 4 q + column of rows 4 g onwards.
    template <size_t kColumn>
    RUNED_ALWAYS_INLINE void gather_quads() {
      const Ints even = every_other_quad<0>(rows[kColumn], rows[4 + kColumn]);
      const Ints odd = every_other_quad<1>(rows[kColumn], rows[4 + kColumn]);
      if constexpr (kLanes == 8) {
        rows[kColumn] = even;
        rows[4 + kColumn] = odd;
      } else {
        static_assert(kLanes == 16);
        const Ints later_even = every_other_quad<0>(rows[8 + kColumn], rows[12 + kColumn]);
        const Ints later_odd = every_other_quad<1>(rows[8 + kColumn], rows[12 + kColumn]);
        rows[kColumn] = every_other_quad<0>(even, later_even);
        rows[4 + kColumn] = every_other_quad<0>(odd, later_odd);
        rows[8 + kColumn] = every_other_quad<1>(even, later_even);
        rows[12 + kColumn] = every_other_quad<1>(odd, later_odd);
      }
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

    // Quads kFirst, kFirst + 2, ... of `a`, then of `b`.
    template <size_t kFirst>
    RUNED_ALWAYS_INLINE static Ints every_other_quad(Ints a, Ints b) {
      return every_other_quad<kFirst>(a, b, std::make_index_sequence<kLanes>{});
    }
    template <size_t kFirst, size_t... kLane>
    RUNED_ALWAYS_INLINE static Ints every_other_quad(Ints a, Ints b,
                                                     std::index_sequence<kLane...>) {
      return __builtin_shufflevector(a, b, ((kLane / 4 * 2 + kFirst) * 4 + kLane % 4)...);
    }
  };

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
};

}  // namespace runed::embed::native
