#pragma once

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "embed/model/float_formats.hpp"

namespace runed::embed::native {

/// The vectors of AVX-512 (F, BW, DQ, VL). Included by the kernel files of that instruction set and
/// by nothing else; each derives a tag of its own from it (kernel.hpp says why).
struct Avx512Vectors {
  using Floats = float __attribute__((vector_size(64)));
  using Ints = int32_t __attribute__((vector_size(64)));
  // Thirty-two registers: six rows of four sums, which leaves room for four vectors of weights and
  // the broadcasts; or six rows of two sums in integers and two in floats.
  static constexpr size_t kPlainVectors = 4;
  static constexpr size_t kBlockVectors = 2;
  // The unmasked conversions make GCC 12 warn of an uninitialised operand (its bug 105593).
  static constexpr __mmask16 kAllLanes = 0xFFFF;

  RUNED_ALWAYS_INLINE static Ints load_int8(const std::byte* from) {
    const auto* vector = reinterpret_cast<const __m128i_u*>(from);
    return __builtin_bit_cast(Ints, _mm512_maskz_cvtepi8_epi32(kAllLanes, _mm_loadu_si128(vector)));
  }
  RUNED_ALWAYS_INLINE static Ints load_uint8(const std::byte* from) {
    const auto* vector = reinterpret_cast<const __m128i_u*>(from);
    return __builtin_bit_cast(Ints, _mm512_maskz_cvtepu8_epi32(kAllLanes, _mm_loadu_si128(vector)));
  }
  RUNED_ALWAYS_INLINE static Ints load_uint16(const std::byte* from) {
    const auto* vector = reinterpret_cast<const __m256i_u*>(from);
    return __builtin_bit_cast(Ints,
                              _mm512_maskz_cvtepu16_epi32(kAllLanes, _mm256_loadu_si256(vector)));
  }

  /// Looks sixteen numbers below 16 up in a table of as many bytes.
  template <typename Bytes>
  RUNED_ALWAYS_INLINE static Bytes look_up(Bytes table, Bytes numbers) {
    return __builtin_bit_cast(Bytes, _mm_shuffle_epi8(__builtin_bit_cast(__m128i, table),
                                                      __builtin_bit_cast(__m128i, numbers)));
  }

  RUNED_ALWAYS_INLINE static Floats load_f16(const std::byte* from) {
    const auto* vector = reinterpret_cast<const __m256i_u*>(from);
    return __builtin_bit_cast(Floats, _mm512_maskz_cvtph_ps(kAllLanes, _mm256_loadu_si256(vector)));
  }

  /// Loads 16 bytes from each of four places.
  RUNED_ALWAYS_INLINE static Ints load_quads(const std::byte* a, const std::byte* b,
                                             const std::byte* c, const std::byte* d) {
    __m512i quads = _mm512_zextsi128_si512(load_quad(a));
    quads = _mm512_maskz_inserti32x4(kAllLanes, quads, load_quad(b), 1);
    quads = _mm512_maskz_inserti32x4(kAllLanes, quads, load_quad(c), 2);
    quads = _mm512_maskz_inserti32x4(kAllLanes, quads, load_quad(d), 3);
    return __builtin_bit_cast(Ints, quads);
  }

  RUNED_ALWAYS_INLINE static void store_int8(std::byte* to, Ints values) {
    _mm512_mask_cvtepi32_storeu_epi8(to, kAllLanes, __builtin_bit_cast(__m512i, values));
  }
  RUNED_ALWAYS_INLINE static void store_int16(std::byte* to, Ints values) {
    _mm512_mask_cvtepi32_storeu_epi16(to, kAllLanes, __builtin_bit_cast(__m512i, values));
  }

 private:
  RUNED_ALWAYS_INLINE static __m128i load_quad(const std::byte* from) {
    return _mm_loadu_si128(reinterpret_cast<const __m128i_u*>(from));
  }
};

}  // namespace runed::embed::native
