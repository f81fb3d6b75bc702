#include "embed/native/gemm/formats.hpp"
#include "embed/native/isa/avx2.hpp"
#include "embed/native/isa/kernel.hpp"

namespace runed::embed::native {
namespace {

// The instructions are written out: GCC 12 spills the sums of their intrinsics to the stack, which
// halves the speed. Without `vex` the assembler would take the form of AVX-512.
struct AvxVnni : Avx2Vectors {
  RUNED_ALWAYS_INLINE static void add_int8_products(Ints& sum, Ints bytes, Ints int8s) {
    asm("%{vex%} vpdpbusd %2, %1, %0" : "+x"(sum) : "x"(bytes), "x"(int8s));
  }
  RUNED_ALWAYS_INLINE static void add_int16_products(Ints& sum, Ints a, Ints b) {
    asm("%{vex%} vpdpwssd %2, %1, %0" : "+x"(sum) : "x"(a), "x"(b));
  }
};

}  // namespace

constinit const Gemm kAvxVnniInt16 = make_int16_gemm<AvxVnni>();
constinit const Int8Gemms kAvxVnniInt8 = make_int8_gemms<AvxVnni>();

}  // namespace runed::embed::native
