#include "embed/native/avx2.hpp"
#include "embed/native/make_kernel.hpp"

namespace runed::embed::native {
namespace {

struct Avx2 : Avx2Vectors {};

}  // namespace

constinit const Kernel kAvx2Kernel = make_kernel<Avx2>("avx2");

}  // namespace runed::embed::native
