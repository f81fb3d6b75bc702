#pragma once

#include <optional>
#include <string>

#include "base/result.hpp"
#include "os/file_lock.hpp"
#include "os/signals.hpp"

namespace runed::daemon {

/// What became of the wait for the lock.
struct AcquiredLock {
  std::optional<os::FileLock> lock;  // None: another daemon serves, or a signal came first.
  bool told_to_stop = false;         // By a signal.
};

/// Takes the lock that makes a daemon the only one of its home, waiting for a predecessor that is
/// starting or draining.
/// Errors: unavailable if the holder does not serve within 75 s.
Result<AcquiredLock> acquire_daemon_lock(const std::string& lock_path,
                                         const std::string& socket_path,
                                         os::SignalWatcher& signals);

}  // namespace runed::daemon
