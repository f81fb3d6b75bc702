#pragma once

#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "embed/native/isa/kernel.hpp"

namespace runed::embed::native {

/// Lists the kernels that this CPU and its operating system can run, fastest first.
std::vector<const Kernel*> available_kernels();

/// Finds the kernel of this name, or the fastest one where the name is empty.
/// Errors: invalid_argument, with the choices, if this machine has no such kernel.
Result<const Kernel*> choose_kernel(std::string_view requested);

}  // namespace runed::embed::native
