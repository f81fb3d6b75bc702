#include "embed/native/gemm/formats.hpp"
#include "embed/native/isa/avx512.hpp"
#include "embed/native/isa/kernel.hpp"

namespace runed::embed::native {
namespace {

// The instructions are written out: GCC 12 spills the sums of their intrinsics to the stack, which
// halves the speed.
struct Avx512Vnni : Avx512Vectors {
  RUNED_ALWAYS_INLINE static void add_int8_products(Ints& sum, Ints bytes, Ints int8s) {
    asm("vpdpbusd %2, %1, %0" : "+v"(sum) : "v"(bytes), "v"(int8s));
  }
  RUNED_ALWAYS_INLINE static void add_int16_products(Ints& sum, Ints a, Ints b) {
    asm("vpdpwssd %2, %1, %0" : "+v"(sum) : "v"(a), "v"(b));
  }
};

}  // namespace

constinit const Gemm kAvx512VnniInt16 = make_int16_gemm<Avx512Vnni>();
constinit const Int8Gemms kAvx512VnniInt8 = make_int8_gemms<Avx512Vnni>();

}  // namespace runed::embed::native
