#pragma once

#include <cstddef>

#include "base/result.hpp"

namespace runed::os {

/// Checks that this process can have so many threads more, by having them for a moment. For libraries
/// that abort, or wait for ever, where they get none.
/// Errors: too_few_threads (what limits them may be RLIMIT_NPROC or the pids.max of a cgroup).
Status check_thread_room(size_t count);

}  // namespace runed::os
