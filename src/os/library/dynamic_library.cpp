#include "os/library/dynamic_library.hpp"

#include <dlfcn.h>

namespace runed::os {

Result<DynamicLibrary> DynamicLibrary::load(const std::string& name, const std::string& package) {
  void* const handle = ::dlopen(name.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  if (handle == nullptr) {
    return make_error(ErrorCode::not_found, "cannot load '{}': {}", name, ::dlerror())
        .with_hint(fmt::format("install the package {}", package));
  }
  return DynamicLibrary(handle, name);
}

Result<void*> DynamicLibrary::find(const char* name) const {
  void* const address = ::dlsym(handle_, name);
  if (address == nullptr) {
    return make_error(ErrorCode::not_found, "'{}' has no function '{}'", name_, name);
  }
  return address;
}

}  // namespace runed::os
