#include "embed/native/isa/avx2.hpp"
#include "embed/native/isa/make_kernel.hpp"

namespace runed::embed::native {
namespace {

struct Avx2 : Avx2Vectors {};

}  // namespace

constinit const Kernel kAvx2Kernel = make_kernel<Avx2>("avx2");

}  // namespace runed::embed::native
