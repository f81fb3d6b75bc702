#pragma once

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "embed/model/float_formats.hpp"

namespace runed::embed::native {

/// The vectors of AVX2 with FMA and F16C. Included by the kernel files of that instruction set and
/// by nothing else; each derives a tag of its own from it (kernel.hpp says why).
struct Avx2Vectors {
  using Floats = float __attribute__((vector_size(32)));
  using Ints = int32_t __attribute__((vector_size(32)));
  // Sixteen registers: six rows of two sums, which leaves room for two vectors of weights and a
  // broadcast; or six rows of one sum in integers and one in floats.
  static constexpr size_t kPlainVectors = 2;
  static constexpr size_t kBlockVectors = 1;

  RUNED_ALWAYS_INLINE static Ints load_int8(const std::byte* from) {
    return __builtin_bit_cast(Ints, _mm256_cvtepi8_epi32(_mm_loadu_si64(from)));
  }
  RUNED_ALWAYS_INLINE static Ints load_uint8(const std::byte* from) {
    return __builtin_bit_cast(Ints, _mm256_cvtepu8_epi32(_mm_loadu_si64(from)));
  }
  RUNED_ALWAYS_INLINE static Ints load_uint16(const std::byte* from) {
    const auto* vector = reinterpret_cast<const __m128i_u*>(from);
    return __builtin_bit_cast(Ints, _mm256_cvtepu16_epi32(_mm_loadu_si128(vector)));
  }

  /// Looks sixteen numbers below 16 up in a table of as many bytes.
  template <typename Bytes>
  RUNED_ALWAYS_INLINE static Bytes look_up(Bytes table, Bytes numbers) {
    return __builtin_bit_cast(Bytes, _mm_shuffle_epi8(__builtin_bit_cast(__m128i, table),
                                                      __builtin_bit_cast(__m128i, numbers)));
  }

  RUNED_ALWAYS_INLINE static Floats load_f16(const std::byte* from) {
    const auto* vector = reinterpret_cast<const __m128i_u*>(from);
    return __builtin_bit_cast(Floats, _mm256_cvtph_ps(_mm_loadu_si128(vector)));
  }

  /// Loads 16 bytes from each of two places.
  RUNED_ALWAYS_INLINE static Ints load_quads(const std::byte* a, const std::byte* b) {
    const __m128i first = _mm_loadu_si128(reinterpret_cast<const __m128i_u*>(a));
    const __m128i second = _mm_loadu_si128(reinterpret_cast<const __m128i_u*>(b));
    return __builtin_bit_cast(Ints, _mm256_set_m128i(second, first));
  }

  RUNED_ALWAYS_INLINE static void store_int8(std::byte* to, Ints values) {
    const __m128i words = pack_words(values);
    _mm_storeu_si64(to, _mm_packs_epi16(words, words));
  }
  RUNED_ALWAYS_INLINE static void store_int16(std::byte* to, Ints values) {
    _mm_storeu_si128(reinterpret_cast<__m128i_u*>(to), pack_words(values));
  }

 private:
  RUNED_ALWAYS_INLINE static __m128i pack_words(Ints values) {
    const __m256i all = __builtin_bit_cast(__m256i, values);
    return _mm_packs_epi32(_mm256_castsi256_si128(all), _mm256_extracti128_si256(all, 1));
  }
};

}  // namespace runed::embed::native
