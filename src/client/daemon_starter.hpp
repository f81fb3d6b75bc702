#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "os/fd.hpp"

namespace runed::client {

enum class StartPolicy { never, on_demand };

/// Where a daemon is to be found, and how to start one.
struct DaemonLocation {
  std::string home;                    // RUNED_HOME of the daemon.
  std::string socket_path;             // Alias applied.
  std::string spawn_lock;              // Held while starting one.
  std::string log_path;                // Its stdout and stderr.
  std::vector<std::string> arguments;  // Path of the executable, then `serve` and its flags.
};

/// Dials the daemon's socket.
/// Errors: unavailable or not_found if no daemon runs; permission_denied if the socket's directory
///         or the process behind it is another user's; bad_config if the path is not a socket.
Result<os::Fd> dial_daemon(const DaemonLocation& daemon);

/// A connection to a daemon.
struct DialledDaemon {
  os::Fd connection;
  bool was_started = false;  // By this call.
};

/// Dials the daemon's socket, and starts a daemon if nothing listens there: under a lock, so that
/// of many callers one starts it; in a session of its own; watched until it listens.
/// Errors: as dial_daemon; unavailable with the end of its log if the daemon dies or stays silent;
///         deadline_exceeded if somebody else has been starting one for longer than `timeout`.
Result<DialledDaemon> dial_or_start_daemon(const DaemonLocation& daemon,
                                           std::chrono::milliseconds timeout);

}  // namespace runed::client
