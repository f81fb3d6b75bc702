#pragma once

#include <cstddef>
#include <utility>

#include "embed/native/isa/kernel.hpp"
#include "embed/native/isa/vector_math.hpp"

namespace runed::embed::native {

/// Kernel::attend for one instruction set: a query a lane, so that scores, maxima and sums of all
/// queries of a block lie one above the other and nothing is summed across a vector. Keys and values
/// are read as they lie, one number for all lanes; only queries and outputs are transposed.
///
/// Sums are indexed by constants only, as in the micro-kernel and for its reason.
template <typename Isa>
class HeadAttention {
 public:
  static void run(const HeadBlock& block) {
    for (size_t first = 0; first < block.query_count; first += 2 * kLanes) {
      const size_t left = block.query_count - first;
      if (left > kLanes) {
        Lanes<2>::run(block, first, left < 2 * kLanes ? left : 2 * kLanes);
      } else {
        Lanes<1>::run(block, first, left);
      }
    }
  }

 private:
  using V = Vectors<Isa>;
  using Math = VectorMath<Isa>;
  using Floats = typename Isa::Floats;
  static constexpr size_t kLanes = V::kLanes;
  static constexpr size_t kKeyBlock = 64;

  // Rows of sums that fit the registers, beside a row of what they are multiplied by.
  static constexpr size_t kRows = kLanes == 16 ? 8 : 4;

  template <size_t kVectors>
  struct Lanes {
    using VectorIndices = std::make_index_sequence<kVectors>;
    static constexpr size_t kRowFloats = kVectors * kLanes;

    struct Row {
      Floats of[kVectors];
    };

    static void run(const HeadBlock& block, size_t first, size_t count) {
      alignas(64) float queries[kMostHeadWidth * kRowFloats];
      alignas(64) float outputs[kMostHeadWidth * kRowFloats];
      alignas(64) float shares[kKeyBlock * kRowFloats];
      gather(block, first, count, queries);
      __builtin_memset(outputs, 0, block.width * kRowFloats * sizeof(float));
      Row maxima;
      Row sums;
      for (size_t i = 0; i < kVectors; ++i) {
        maxima.of[i] = Floats{} + kLeastScore;
        sums.of[i] = Floats{};
      }
      const size_t position = block.position + first;
      const size_t key_end = end_of_keys(block, position + count);
      for (size_t key = first_key(block, position); key < key_end; key += kKeyBlock) {
        const size_t keys = key_end - key < kKeyBlock ? key_end - key : kKeyBlock;
        for (size_t row = 0; row < keys; row += kRows) {
          score(block, key + row, queries, shares + row * kRowFloats, VectorIndices{},
                std::make_index_sequence<kRows>{});
        }
        if (block.addends.middle != nullptr) add_by_distance(block, position, key, keys, shares);
        const Row factors = soften(shares, keys, maxima, sums);
        for (size_t feature = 0; feature < block.width; feature += kRows) {
          add_values(block.values + key * block.key_stride + feature, block.key_stride, keys,
                     shares, factors, outputs + feature * kRowFloats, VectorIndices{},
                     std::make_index_sequence<kRows>{});
        }
      }
      scatter(block, first, count, sums, outputs);
    }

    static size_t first_key(const HeadBlock& block, size_t position) {
      const size_t reach = block.addends.reach;
      return block.addends.sees_beyond || position < reach ? 0 : position - reach;
    }

    static size_t end_of_keys(const HeadBlock& block, size_t end_of_queries) {
      const size_t end = end_of_queries + block.addends.reach;
      return block.addends.sees_beyond || block.key_count < end ? block.key_count : end;
    }

    // Neighbouring queries are one farther away each, so that their addends are neighbours too.
    static void add_by_distance(const HeadBlock& block, size_t position, size_t key, size_t keys,
                                float* shares) {
      const auto reach = static_cast<ptrdiff_t>(block.addends.reach);
      const ptrdiff_t least = -reach - static_cast<ptrdiff_t>(ByDistance::kPadding);
      for (size_t row = 0; row < keys; ++row) {
        for (size_t i = 0; i < kVectors; ++i) {
          auto distance = static_cast<ptrdiff_t>(position + i * kLanes) -
                          static_cast<ptrdiff_t>(key + row);
          distance = distance < least ? least : distance > reach ? reach : distance;
          float* const share = shares + row * kRowFloats + i * kLanes;
          V::store(share, V::load_floats(share) + V::load_floats(block.addends.middle + distance));
        }
      }
    }

    // Lanes past the last query repeat it.
    static void gather(const HeadBlock& block, size_t first, size_t count, float* to) {
      for (size_t vector = 0; vector < kVectors; ++vector) {
        for (size_t feature = 0; feature < block.width; feature += kLanes) {
          V::transpose(
              [&](size_t lane, size_t quad) {
                const size_t query = vector * kLanes + lane;
                return reinterpret_cast<const std::byte*>(
                    block.queries +
                    (first + (query < count ? query : count - 1)) * block.query_stride + feature +
                    4 * quad);
              },
              reinterpret_cast<std::byte*>(to + feature * kRowFloats + vector * kLanes),
              kRowFloats * sizeof(float));
        }
      }
    }

    // Rows past the last key repeat it.
    template <size_t... kVector, size_t... kRow>
    static void score(const HeadBlock& block, size_t first, const float* queries, float* to,
                      std::index_sequence<kVector...> vectors, std::index_sequence<kRow...>) {
      const size_t last = block.key_count - 1;
      const float* const keys[] = {block.keys + (first + kRow < last ? first + kRow : last) *
                                                    block.key_stride...};
      Row sums[] = {((void)kRow, Row{})...};
      for (size_t feature = 0; feature < block.width; ++feature) {
        const Floats factors[] = {
            V::load_floats(queries + feature * kRowFloats + kVector * kLanes)...};
        (add(sums[kRow], factors, keys[kRow][feature], vectors), ...);
      }
      (store(sums[kRow], block.scale, to + kRow * kRowFloats, vectors), ...);
    }

    template <size_t... kVector>
    RUNED_ALWAYS_INLINE static void add(Row& row, const Floats* factors, float factor,
                                        std::index_sequence<kVector...>) {
      ((row.of[kVector] += factors[kVector] * factor), ...);
    }

    template <size_t... kVector>
    RUNED_ALWAYS_INLINE static void store(const Row& row, float scale, float* to,
                                          std::index_sequence<kVector...>) {
      (V::store(to + kVector * kLanes, row.of[kVector] * scale), ...);
    }

    // Turns scores into shares that still lack the division by the final sum, and returns what brings
    // earlier ones to the new maximum.
    static Row soften(float* shares, size_t keys, Row& maxima, Row& sums) {
      Row factors;
      for (size_t i = 0; i < kVectors; ++i) {
        float* const column = shares + i * kLanes;
        Floats maximum = maxima.of[i];
        for (size_t key = 0; key < keys; ++key) {
          maximum = V::maximum(maximum, V::load_floats(column + key * kRowFloats));
        }
        factors.of[i] = Math::exponential(maxima.of[i] - maximum);
        Floats sum = sums.of[i] * factors.of[i];
        for (size_t key = 0; key < keys; ++key) {
          float* const share = column + key * kRowFloats;
          const Floats value = Math::exponential(V::load_floats(share) - maximum);
          V::store(share, value);
          sum += value;
        }
        maxima.of[i] = maximum;
        sums.of[i] = sum;
      }
      return factors;
    }

    template <size_t... kVector>
    RUNED_ALWAYS_INLINE static Row scaled(const float* from, const Row& factors,
                                          std::index_sequence<kVector...>) {
      return {{V::load_floats(from + kVector * kLanes) * factors.of[kVector]...}};
    }

    template <size_t... kVector, size_t... kRow>
    static void add_values(const float* values, size_t stride, size_t keys, const float* shares,
                           const Row& before, float* outputs,
                           std::index_sequence<kVector...> vectors, std::index_sequence<kRow...>) {
      Row sums[] = {scaled(outputs + kRow * kRowFloats, before, vectors)...};
      for (size_t key = 0; key < keys; ++key, values += stride) {
        const Floats factors[] = {V::load_floats(shares + key * kRowFloats + kVector * kLanes)...};
        (add(sums[kRow], factors, values[kRow], vectors), ...);
      }
      (store(sums[kRow], 1, outputs + kRow * kRowFloats, vectors), ...);
    }

    static void scatter(const HeadBlock& block, size_t first, size_t count, const Row& sums,
                        float* outputs) {
      for (size_t vector = 0; vector < kVectors && vector * kLanes < count; ++vector) {
        const Floats scale = 1 / sums.of[vector];
        const size_t left = count - vector * kLanes;
        for (size_t feature = 0; feature < block.width; feature += kLanes) {
          float* const rows = outputs + feature * kRowFloats + vector * kLanes;
          for (size_t row = 0; row < kLanes; ++row) {
            V::store(rows + row * kRowFloats, V::load_floats(rows + row * kRowFloats) * scale);
          }
          float* const to = block.out + (first + vector * kLanes) * block.out_stride + feature;
          V::transpose(
              [&](size_t row, size_t quad) {
                return reinterpret_cast<const std::byte*>(rows + row * kRowFloats + 4 * quad);
              },
              reinterpret_cast<std::byte*>(to), block.out_stride * sizeof(float), left);
        }
      }
    }
  };
};

}  // namespace runed::embed::native
