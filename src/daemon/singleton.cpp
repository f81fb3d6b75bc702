#include "daemon/singleton.hpp"

#include <chrono>

#include "os/unix_socket.hpp"

namespace runed::daemon {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kPatience{75'000};
constexpr milliseconds kPoll{50};
constexpr milliseconds kDialTimeout{500};

// Only the holder of the lock counts: anything else that listens there is not a daemon of this
// home.
bool is_served_by(const std::string& socket_path, std::optional<int> holder) {
  const auto connection = os::dial_unix(socket_path, kDialTimeout);
  if (!connection) return false;
  const auto peer = os::peer_credentials(connection->get());
  return peer && peer->pid == holder;
}

}  // namespace

Result<AcquiredLock> acquire_daemon_lock(const std::string& lock_path,
                                         const std::string& socket_path,
                                         os::SignalWatcher& signals) {
  const auto until = std::chrono::steady_clock::now() + kPatience;
  while (true) {
    TRY_ASSIGN(auto lock, os::FileLock::try_acquire(lock_path));
    if (lock.has_value()) return AcquiredLock{.lock = std::move(lock)};
    const auto holder = os::FileLock::read_holder(lock_path);
    if (is_served_by(socket_path, holder)) return AcquiredLock{};
    if (std::chrono::steady_clock::now() >= until) {
      return make_error(ErrorCode::unavailable,
                        "another daemon (pid {}) holds '{}' but does not serve '{}'",
                        holder.value_or(0), lock_path, socket_path)
          .with_hint("run 'runed shutdown --force'");
    }
    if (signals.wait(kPoll)) return AcquiredLock{.told_to_stop = true};
  }
}

}  // namespace runed::daemon
