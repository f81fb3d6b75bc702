#include "embed/llama_server/process/server_environment.hpp"

#include <algorithm>
#include <array>
#include <string_view>

#include "os/process/process.hpp"

namespace runed::embed::llama_server {
namespace {

constexpr std::array<std::string_view, 12> kNames{
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "TMPDIR",
    "LANG",
    "TZ",
    "LD_LIBRARY_PATH",
    "XDG_CACHE_HOME",
    "XDG_RUNTIME_DIR",
    "NO_COLOR",
    "SYCL_CACHE_PERSISTENT",
};

// Of GPU runtimes (which cards to use, where their libraries are) and of ggml's back ends.
constexpr std::array<std::string_view, 12> kPrefixes{
    "LC_",   "GGML_", "CUDA_", "NVIDIA_", "HIP_",    "HSA_",
    "ROCR_", "ROCM_", "VK_",   "MESA_",   "ONEAPI_", "OMP_",
};

bool is_allowed(std::string_view variable) {
  const std::string_view name = variable.substr(0, variable.find('='));
  return std::ranges::find(kNames, name) != kNames.end() ||
         std::ranges::any_of(kPrefixes,
                             [name](std::string_view prefix) { return name.starts_with(prefix); });
}

}  // namespace

std::vector<std::string> server_environment(const std::vector<std::string>& all) {
  std::vector<std::string> allowed;
  std::ranges::copy_if(all, std::back_inserter(allowed), is_allowed);
  return allowed;
}

std::vector<std::string> server_environment() {
  return server_environment(os::environment_variables());
}

}  // namespace runed::embed::llama_server
