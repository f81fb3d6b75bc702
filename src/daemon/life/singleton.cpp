#include "daemon/life/singleton.hpp"

#include <chrono>

#include "bootstrap/config/daemon_lock.hpp"

namespace runed::daemon {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kPatience{75'000};
constexpr milliseconds kQuietWait{1500};
constexpr milliseconds kPoll{50};

Error not_serving(const SingletonOptions& options) {
  return make_error(ErrorCode::unavailable, "{} holds '{}' but does not serve '{}'",
                    os::FileLock::describe_holder(options.lock_path), options.lock_path,
                    options.socket_path)
      .with_hint("run 'runed shutdown --force'");
}

}  // namespace

Result<AcquiredLock> acquire_daemon_lock(const SingletonOptions& options,
                                         os::SignalWatcher& signals, Log& log) {
  const auto begin = std::chrono::steady_clock::now();
  bool told = false;
  while (true) {
    if (options.is_abandoned && options.is_abandoned()) {
      log.info("the command that started this daemon has gone; exiting");
      return AcquiredLock{.told_to_stop = true};
    }
    TRY_ASSIGN(auto lock, bootstrap::try_daemon_lock(options.lock_path, options.socket_path));
    if (lock.has_value()) return AcquiredLock{.lock = std::move(lock)};
    const int holder = os::FileLock::read_holder(options.lock_path).value_or(0);
    if (bootstrap::is_served_by(options.socket_path, holder)) return AcquiredLock{};
    if (const auto elsewhere =
            bootstrap::find_daemon_elsewhere(options.lock_path, options.socket_path)) {
      return bootstrap::serves_elsewhere(*elsewhere, options.lock_path, options.socket_path);
    }
    const auto waited = std::chrono::steady_clock::now() - begin;
    if (waited >= kPatience) return not_serving(options);
    if (!told && waited >= kQuietWait) {
      told = true;
      log.info("waiting for the daemon that holds the lock: it is starting or ending",
               {{"pid", holder}, {"lock", options.lock_path}});
    }
    const auto signal = signals.wait(kPoll);
    if (signal.has_value() && *signal != os::kReloadSignal) {
      return AcquiredLock{.told_to_stop = true};
    }
  }
}

}  // namespace runed::daemon
