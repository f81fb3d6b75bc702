#include "embed/native/gemm/formats.hpp"
#include "embed/native/isa/avx512.hpp"
#include "embed/native/isa/kernel.hpp"

namespace runed::embed::native {
namespace {

struct Avx512Bf16 : Avx512Vectors {
  // A bfloat16 in the low half of each lane.
  RUNED_ALWAYS_INLINE static Ints round_to_bf16(Floats values) {
    const __m256bh rounded =
        _mm512_maskz_cvtneps_pbh(kAllLanes, __builtin_bit_cast(__m512, values));
    return __builtin_bit_cast(
        Ints, _mm512_maskz_cvtepu16_epi32(kAllLanes, __builtin_bit_cast(__m256i, rounded)));
  }
  RUNED_ALWAYS_INLINE static Floats add_bf16_products(Floats sum, Floats weights, Ints factor) {
    return __builtin_bit_cast(Floats, _mm512_dpbf16_ps(__builtin_bit_cast(__m512, sum),
                                                       __builtin_bit_cast(__m512bh, weights),
                                                       __builtin_bit_cast(__m512bh, factor)));
  }
};

}  // namespace

constinit const Gemm kAvx512Bf16 = make_bf16_gemm<Avx512Bf16>();

}  // namespace runed::embed::native
