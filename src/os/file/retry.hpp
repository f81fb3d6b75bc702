#pragma once

#include <cerrno>

namespace runed::os {

/// Calls again for as long as a signal handler interrupts the system call.
template <typename Call>
auto retry_interrupted(Call call) {
  while (true) {
    const auto result = call();
    if (result != -1 || errno != EINTR) return result;
  }
}

}  // namespace runed::os
