#pragma once

#include <optional>
#include <string>

#include "client/daemon_starter.hpp"
#include "os/process/process_handle.hpp"

namespace runed::client {

/// Finds the process that is the daemon of a home, with proof: it took daemon.lock and holds it, it
/// runs a runed, and it is this user's. No other may be signalled, whatever a file says or whoever
/// listens at the socket. Empty if nobody holds the lock.
/// Errors: permission_denied if somebody does who is no such process, and who it is.
Result<std::optional<os::ProcessHandle>> find_daemon_process(const DaemonLocation& daemon);

/// Names a process for people: `process 7 ('/usr/bin/sleep')`.
std::string describe_process(int pid);

}  // namespace runed::client
