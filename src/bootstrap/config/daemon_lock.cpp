#include "bootstrap/config/daemon_lock.hpp"

#include <chrono>

#include "base/text.hpp"
#include "os/file/files.hpp"
#include "os/net/socket_path.hpp"
#include "os/net/unix_socket.hpp"

namespace runed::bootstrap {
namespace {

constexpr std::chrono::milliseconds kDialTimeout{500};

}  // namespace

Result<std::optional<os::FileLock>> try_daemon_lock(const std::string& path,
                                                    const std::string& socket) {
  return os::FileLock::try_acquire(path, socket);
}

std::optional<DaemonHolder> read_daemon_holder(const std::string& path) {
  const auto pid = os::FileLock::read_holder(path);
  if (!pid.has_value()) return std::nullopt;
  DaemonHolder holder{.pid = *pid, .socket = os::FileLock::read_note(path)};
  // On a full disk the file may have lost it.
  if (holder.socket.empty()) {
    holder.socket = os::resolve_socket_path(os::parent_directory(path) + "/embedding.sock");
  }
  return holder;
}

// Only the holder of the lock counts: anything else that listens there is not a daemon of this
// home.
bool is_served_by(const std::string& socket, int pid) {
  const auto connection = os::dial_unix(socket, kDialTimeout);
  if (!connection) return false;
  const auto peer = os::peer_credentials(connection->get());
  return peer && pid > 0 && peer->pid == pid;  // 0: not known, or of another container.
}

std::optional<DaemonHolder> find_daemon_elsewhere(const std::string& lock_path,
                                                  const std::string& socket) {
  auto holder = read_daemon_holder(lock_path);
  if (!holder.has_value() || holder->socket == socket) return std::nullopt;
  if (!is_served_by(holder->socket, holder->pid)) return std::nullopt;
  return holder;
}

Error serves_elsewhere(const DaemonHolder& holder, const std::string& lock_path,
                       const std::string& socket) {
  return make_error(ErrorCode::unavailable, "the daemon of '{}' (pid {}) serves '{}', not '{}'",
                    os::parent_directory(lock_path), holder.pid, holder.socket, socket)
      .with_hint(fmt::format("reach it with: --socket {}; settings that were changed hold from the "
                             "next daemon on, and a second one needs a home of its own (--home)",
                             shell_quoted(holder.socket)));
}

}  // namespace runed::bootstrap
