#pragma once

namespace runed {

/// Prints the failed condition with its place, and aborts.
[[noreturn]] void check_failed(const char* condition, const char* file, int line);

}  // namespace runed

/// Aborts unless `condition` holds, in every build. For our own bugs only: no input, file or peer
/// may be able to fail one.
#define CHECK(condition) \
  ((condition) ? static_cast<void>(0) : ::runed::check_failed(#condition, __FILE__, __LINE__))
