#pragma once

#include <string>

#include "base/result.hpp"

namespace runed::os {

/// A shared library that is loaded when it is first needed, and stays until the process ends: it
/// may leave threads and exit handlers behind.
class DynamicLibrary {
 public:
  /// Loads a library by the name that the linker would use, such as `libz.so.1`.
  /// Errors: not_found naming the Debian package that has it.
  static Result<DynamicLibrary> load(const std::string& name, const std::string& package);

  /// Sets `function` to the function of this name.
  /// Errors: not_found if the library has no such function.
  template <typename Function>
  Status bind(Function*& function, const char* name) const {
    TRY_ASSIGN(void* const address, find(name));
    function = reinterpret_cast<Function*>(address);
    return {};
  }

 private:
  DynamicLibrary(void* handle, std::string name) : handle_(handle), name_(std::move(name)) {}

  Result<void*> find(const char* name) const;

  void* handle_;
  std::string name_;
};

}  // namespace runed::os
