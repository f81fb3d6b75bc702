#include "embed/native/kernel_choice.hpp"

#include <algorithm>
#include <string>

namespace runed::embed::native {

// __builtin_cpu_supports asks the operating system too (XGETBV): a CPU that has registers which the
// system does not save is as good as one without.
std::vector<const Kernel*> available_kernels() {
  std::vector<const Kernel*> kernels;
#if defined(__x86_64__)
  const bool has_avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                          __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
  const bool has_avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  if (has_avx512 && has_avx2) kernels.push_back(&kAvx512Kernel);
  if (has_avx2) kernels.push_back(&kAvx2Kernel);
#endif
  kernels.push_back(&kPortableKernel);
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
