#include "embed/native/isa/avx512.hpp"
#include "embed/native/isa/make_kernel.hpp"

namespace runed::embed::native {
namespace {

struct Avx512 : Avx512Vectors {};

}  // namespace

constinit const Kernel kAvx512Kernel = make_kernel<Avx512>("avx512");

}  // namespace runed::embed::native
