#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "os/file/fd.hpp"

namespace runed::os {
class Child;
}

namespace runed::client {

enum class StartPolicy { never, on_demand };

/// Where a daemon is to be found, and how to start one.
struct DaemonLocation {
  std::string home;                    // RUNED_HOME of the daemon.
  std::string socket_path;             // Alias applied.
  std::string spawn_lock;              // Held while starting one.
  std::string daemon_lock;             // Held by the daemon.
  std::string log_path;                // Its stdout and stderr.
  std::vector<std::string> arguments;  // Path of the executable, then `serve` and its flags.
};

/// Dials the daemon's socket.
/// Errors: unavailable or not_found if no daemon runs; permission_denied if the socket's directory
///         or the process behind it is another user's; bad_config if the path is not a socket.
Result<os::Fd> dial_daemon(const DaemonLocation& daemon);

struct StartOptions {
  std::chrono::milliseconds timeout{60'000};
  /// Told once what it waits for, if that is another process and takes more than a moment.
  std::function<void(const std::string&)> on_wait{};
};

/// A connection to a daemon.
struct DialledDaemon {
  os::Fd connection;
  bool was_started = false;  // By this call.
  std::shared_ptr<os::Child> process{};  // That one; it lives on without this.
  uint64_t log_begin = 0;                // Where what it logs begins, in bytes.
};

/// Quotes what the daemon's log has gained since `begin`, the end of it at most.
std::string quote_log(const std::string& path, uint64_t begin);

/// Dials the daemon's socket, and starts a daemon if nothing listens there: under a lock, so that
/// of many callers one starts it; in a session of its own; watched until it listens. It watches us
/// too: until it is the daemon of its home, it ends when we do, whatever ends us.
/// Errors: as dial_daemon; as bootstrap::make_home; unavailable if the home's daemon serves another
///         socket, or, with the end of its log, if the daemon dies or stays silent;
///         deadline_exceeded if somebody else has been starting one for longer than the timeout.
Result<DialledDaemon> dial_or_start_daemon(const DaemonLocation& daemon,
                                           const StartOptions& options);

}  // namespace runed::client
