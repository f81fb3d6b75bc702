#pragma once

#include "base/result.hpp"
#include "bootstrap/config/paths.hpp"
#include "bootstrap/fetch/watch.hpp"
#include "os/file/file_lock.hpp"

namespace runed::bootstrap {

/// Takes install.lock, which whoever changes what is installed holds. While another process has it,
/// waits, and says for whom.
/// Errors: cancelled; deadline_exceeded naming the holder after four hours; those of the file.
Result<os::FileLock> acquire_install_lock(const Paths& paths, const Watch& watch);

/// Takes install.lock if nobody has it.
/// Errors: bootstrapping, naming the holder; those of the file.
Result<os::FileLock> try_install_lock(const Paths& paths);

}  // namespace runed::bootstrap
