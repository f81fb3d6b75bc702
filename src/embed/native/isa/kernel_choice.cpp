#include "embed/native/isa/kernel_choice.hpp"

#include <algorithm>
#include <string>

namespace runed::embed::native {
namespace {

// __builtin_cpu_supports asks the operating system too (XGETBV): a CPU that has registers which the
// system does not save is as good as one without.
std::vector<Kernel> find_kernels() {
  std::vector<Kernel> kernels;
#if defined(__x86_64__)
  const bool has_avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
                        __builtin_cpu_supports("f16c");
  const bool has_avx512 = has_avx2 && __builtin_cpu_supports("avx512f") &&
                          __builtin_cpu_supports("avx512bw") &&
                          __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
  const bool has_avx512_vnni = has_avx512 && __builtin_cpu_supports("avx512vnni");
  Kernel vnni = kAvx512Kernel;
  vnni.name = "avx512-vnni";
  vnni.int16 = &kAvx512VnniInt16;
  vnni.int8 = &kAvx512VnniInt8;
  if (has_avx512_vnni && __builtin_cpu_supports("avx512bf16")) {
    Kernel bf16 = vnni;
    bf16.name = "avx512-bf16";
    bf16.bf16 = &kAvx512Bf16;
    kernels.push_back(bf16);
  }
  if (has_avx512_vnni) kernels.push_back(vnni);
  if (has_avx512) kernels.push_back(kAvx512Kernel);
  if (has_avx2 && __builtin_cpu_supports("avxvnni")) {
    Kernel avx_vnni = kAvx2Kernel;
    avx_vnni.name = "avx-vnni";
    avx_vnni.int16 = &kAvxVnniInt16;
    avx_vnni.int8 = &kAvxVnniInt8;
    kernels.push_back(avx_vnni);
  }
  if (has_avx2) kernels.push_back(kAvx2Kernel);
#endif
  kernels.push_back(kPortableKernel);
  return kernels;
}

}  // namespace

std::vector<const Kernel*> available_kernels() {
  static const std::vector<Kernel> kKernels = find_kernels();
  std::vector<const Kernel*> kernels;
  for (const Kernel& kernel : kKernels) kernels.push_back(&kernel);
  return kernels;
}

Result<const Kernel*> choose_kernel(std::string_view requested) {
  const std::vector<const Kernel*> kernels = available_kernels();
  if (requested.empty()) return kernels.front();
  const auto found = std::ranges::find(kernels, requested, &Kernel::name);
  if (found != kernels.end()) return *found;
  std::string choices;
  for (const Kernel* kernel : kernels) {
    if (!choices.empty()) choices += ", ";
    choices += kernel->name;
  }
  return make_error(ErrorCode::invalid_argument, "no kernel '{}' for this CPU", requested)
      .with_hint(fmt::format("choose one of: {}", choices));
}

}  // namespace runed::embed::native
