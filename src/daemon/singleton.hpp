#pragma once

#include <optional>
#include <string>

#include "base/result.hpp"
#include "os/file_lock.hpp"
#include "os/signals.hpp"

namespace runed::daemon {

/// Takes the lock that makes a daemon the only one of its home, waiting for a predecessor that is
/// starting or draining. None if another daemon holds it and serves the socket.
/// Errors: unavailable if the holder does not serve within 30 s; cancelled on a signal.
Result<std::optional<os::FileLock>> acquire_daemon_lock(const std::string& lock_path,
                                                        const std::string& socket_path,
                                                        os::SignalWatcher& signals);

}  // namespace runed::daemon
