#include <immintrin.h>

#include "embed/native/kernel_f32.hpp"

namespace runed::embed::native {
namespace {

// Thirty-two registers: six rows of four vectors, which leaves room for four of weights and the
// broadcasts.
struct Avx512 {
  using Floats = float __attribute__((vector_size(64)));
  using Ints = int32_t __attribute__((vector_size(64)));
  static constexpr size_t kStripVectors = 4;
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
};

}  // namespace

constinit const Kernel kAvx512Kernel = make_f32_kernel<Avx512>("avx512");

}  // namespace runed::embed::native
