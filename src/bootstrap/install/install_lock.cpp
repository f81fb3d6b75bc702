#include "bootstrap/install/install_lock.hpp"

#include <chrono>
#include <optional>
#include <thread>

#include "base/clock.hpp"

namespace runed::bootstrap {
namespace {

// Two downloads of two hours, as the predecessor allows.
constexpr std::chrono::hours kLongestWait{4};
constexpr std::chrono::milliseconds kPoll{100};

}  // namespace

Result<os::FileLock> acquire_install_lock(const Paths& paths, const Watch& watch) {
  const SteadyTime until = std::chrono::steady_clock::now() + kLongestWait;
  bool told = false;
  while (true) {
    TRY_ASSIGN(std::optional<os::FileLock> lock, os::FileLock::try_acquire(paths.install_lock));
    if (lock.has_value()) return *std::move(lock);
    TRY(watch.check());
    if (!told) {
      told = true;
      watch.event(fmt::format("waiting for {}, which is installing into '{}'",
                              os::FileLock::describe_holder(paths.install_lock), paths.home));
    }
    if (std::chrono::steady_clock::now() >= until) {
      return make_error(ErrorCode::deadline_exceeded, "{} has been installing into '{}' for {} h",
                        os::FileLock::describe_holder(paths.install_lock), paths.home,
                        kLongestWait.count());
    }
    std::this_thread::sleep_for(kPoll);  // flock has no form that waits and can be cancelled.
  }
}

Result<os::FileLock> try_install_lock(const Paths& paths) {
  TRY_ASSIGN(std::optional<os::FileLock> lock, os::FileLock::try_acquire(paths.install_lock));
  if (lock.has_value()) return *std::move(lock);
  return make_error(ErrorCode::bootstrapping, "{} is installing into '{}'",
                    os::FileLock::describe_holder(paths.install_lock), paths.home)
      .with_hint("try again when it has finished");
}

}  // namespace runed::bootstrap
