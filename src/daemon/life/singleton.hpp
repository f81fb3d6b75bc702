#pragma once

#include <functional>
#include <optional>
#include <string>

#include "base/log.hpp"
#include "base/result.hpp"
#include "os/file/file_lock.hpp"
#include "os/process/signals.hpp"

namespace runed::daemon {

/// What became of the wait for the lock.
struct AcquiredLock {
  std::optional<os::FileLock> lock;  // None: another daemon serves, or it was not to go on.
  bool told_to_stop = false;         // By a signal, or because who started it has gone.
};

struct SingletonOptions {
  std::string lock_path;
  std::string socket_path;  // Where the daemon will listen, alias applied.
  /// Tells that nobody waits for this daemon any more. Asked as long as it is not the only one.
  std::function<bool()> is_abandoned{};
};

/// Takes the lock that makes a daemon the only one of its home, waiting for a predecessor that is
/// starting or draining.
/// Errors: unavailable at once if the holder serves another socket, and if it does not serve within
///         75 s.
Result<AcquiredLock> acquire_daemon_lock(const SingletonOptions& options,
                                         os::SignalWatcher& signals, Log& log);

}  // namespace runed::daemon
