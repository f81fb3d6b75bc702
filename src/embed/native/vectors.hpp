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

  RUNED_ALWAYS_INLINE static Ints maximum(Ints a, Ints b) { return a > b ? a : b; }

  /// Returns the greatest element in each lane.
  RUNED_ALWAYS_INLINE static Ints spread_maximum(Ints value) {
    return spread<kLanes / 2>(value, [](Ints a, Ints b) { return maximum(a, b); });
  }
  /// Returns the sum of the elements in each lane.
  RUNED_ALWAYS_INLINE static Ints spread_sum(Ints value) {
    return spread<kLanes / 2>(value, [](Ints a, Ints b) { return a + b; });
  }

  /// Rounds to the nearest integer.
  /// Needs: |values| < 2^22.
  RUNED_ALWAYS_INLINE static Ints round(Floats values) {
    constexpr float kRound = 0x1.8p23f;  // Adding it leaves the nearest integer in the low bits.
    return __builtin_bit_cast(Ints, values + kRound) - __builtin_bit_cast(int32_t, kRound);
  }

  /// Returns the number of each lane.
  RUNED_ALWAYS_INLINE static Ints lanes() { return count(std::make_index_sequence<kLanes>{}); }

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

    /// Makes rows columns.
    RUNED_ALWAYS_INLINE void transpose() {
      for (size_t done = 1; done < kLanes; done *= 2) {
        shuffle(std::make_index_sequence<kLanes / 2>{});
      }
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

    // One perfect shuffle of all elements; log2(kLanes) of them transpose the square.
    template <size_t... kPair>
    RUNED_ALWAYS_INLINE void shuffle(std::index_sequence<kPair...>) {
      constexpr std::make_index_sequence<kLanes> kAll{};
      Ints next[kLanes];
      ((next[2 * kPair] = zip<0>(rows[kPair], rows[kPair + kLanes / 2], kAll),
        next[2 * kPair + 1] = zip<kLanes / 2>(rows[kPair], rows[kPair + kLanes / 2], kAll)),
       ...);
      ((rows[2 * kPair] = next[2 * kPair], rows[2 * kPair + 1] = next[2 * kPair + 1]), ...);
    }

    template <size_t kFirst, size_t... kLane>
    RUNED_ALWAYS_INLINE static Ints zip(Ints a, Ints b, std::index_sequence<kLane...>) {
      return __builtin_shufflevector(a, b, (kLane % 2 * kLanes + kFirst + kLane / 2)...);
    }
  };

 private:
  template <size_t... kLane>
  RUNED_ALWAYS_INLINE static Ints count(std::index_sequence<kLane...>) {
    return Ints{static_cast<int32_t>(kLane)...};
  }

  template <size_t kDistance, typename Combine>
  RUNED_ALWAYS_INLINE static Ints spread(Ints value, const Combine& combine) {
    value = combine(value, swap<kDistance>(value, std::make_index_sequence<kLanes>{}));
    if constexpr (kDistance > 1) value = spread<kDistance / 2>(value, combine);
    return value;
  }

  template <size_t kDistance, size_t... kLane>
  RUNED_ALWAYS_INLINE static Ints swap(Ints value, std::index_sequence<kLane...>) {
    return __builtin_shufflevector(value, value, (kLane ^ kDistance)...);
  }
};

}  // namespace runed::embed::native
