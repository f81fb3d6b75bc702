#include <immintrin.h>

#include "embed/native/kernel_f32.hpp"

namespace runed::embed::native {
namespace {

// Sixteen registers: six rows of two vectors, which leaves room for two of weights and a broadcast.
struct Avx2 {
  using Floats = float __attribute__((vector_size(32)));
  using Ints = int32_t __attribute__((vector_size(32)));
  static constexpr size_t kStripVectors = 2;

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
};

}  // namespace

constinit const Kernel kAvx2Kernel = make_f32_kernel<Avx2>("avx2");

}  // namespace runed::embed::native
