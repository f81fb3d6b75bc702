#pragma once

#include <string>

#include "base/error.hpp"

namespace runed::os {

/// Makes the Error of a stream that could not write to its descriptor: `what: <why>`. The stream does
/// not tell why; the descriptor does, or else the system call that failed last in this thread.
Error write_fault(int fd, std::string what);

}  // namespace runed::os
