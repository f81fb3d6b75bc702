#pragma once

#include <optional>
#include <string>

#include "base/result.hpp"
#include "os/file/file_lock.hpp"

namespace runed::bootstrap {

/// What daemon.lock tells of the daemon that holds it, or held it when it died.
struct DaemonHolder {
  int pid = 0;
  std::string socket;  // Where it listens, or is about to; alias applied.
};

/// Takes the lock that makes a daemon the only one of its home; empty if another holds it.
/// `socket` is where the daemon will listen, alias applied.
Result<std::optional<os::FileLock>> try_daemon_lock(const std::string& path,
                                                    const std::string& socket);

/// Reads who holds the lock. Empty if the file names nobody.
std::optional<DaemonHolder> read_daemon_holder(const std::string& path);

/// Tells whether this process accepts connections at the socket.
bool is_served_by(const std::string& socket, int pid);

/// Finds the daemon of the home where it serves another socket than this one. One that is starting,
/// or ending, does not serve.
std::optional<DaemonHolder> find_daemon_elsewhere(const std::string& lock_path,
                                                  const std::string& socket);

/// Says of such a daemon where it is and how it is reached: `the daemon of '/h' (pid 7) serves ...`.
Error serves_elsewhere(const DaemonHolder& holder, const std::string& lock_path,
                       const std::string& socket);

}  // namespace runed::bootstrap
