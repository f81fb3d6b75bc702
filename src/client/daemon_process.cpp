#include "client/daemon_process.hpp"

#include <filesystem>

#include "base/text.hpp"
#include "os/file/file_lock.hpp"
#include "os/process/process.hpp"

namespace runed::client {
namespace {

constexpr std::chrono::milliseconds kNow{0};
constexpr const char* kProgram = "runed";
constexpr const char* kOwnProgram = "/proc/self/exe";

std::string describe(const os::ProcessHandle& process) {
  const std::string program = process.program();
  return program.empty() ? fmt::format("process {}", process.pid())
                         : fmt::format("process {} ('{}')", process.pid(), printable(program));
}

// After an upgrade the daemon's file is another one than ours, or gone; its name remains.
bool runs_runed(const os::ProcessHandle& process, const DaemonLocation& daemon) {
  return process.runs(kOwnProgram) ||
         (!daemon.arguments.empty() && process.runs(daemon.arguments.front())) ||
         std::filesystem::path(process.program()).filename() == kProgram;
}

}  // namespace

Result<std::optional<os::ProcessHandle>> find_daemon_process(const DaemonLocation& daemon) {
  const std::string& lock = daemon.daemon_lock;
  auto holder = os::find_lock_holder(lock, os::FileLock::read_holder(lock));
  if (!holder.has_value()) {
    if (!os::FileLock::is_held(lock)) return std::optional<os::ProcessHandle>{};
    return make_error(ErrorCode::permission_denied,
                      "'{}' is held by a process that cannot be seen from here", lock)
        .with_hint("it is another user's, or in another container: end it there");
  }
  const bool is_daemon = holder->lock_taker(lock) == holder->pid() &&
                         holder->user() == os::user_id() && runs_runed(*holder, daemon);
  if (is_daemon) return holder;
  if (holder->wait_for_exit(kNow)) return std::optional<os::ProcessHandle>{};
  return make_error(ErrorCode::permission_denied,
                    "{} holds '{}' and is no daemon of yours: it is left alone", describe(*holder),
                    lock)
      .with_hint(fmt::format("'ps -fp {0}' tells what it is; if it should not be there: kill {0}",
                             holder->pid()));
}

std::string describe_process(int pid) {
  const auto process = os::ProcessHandle::open(pid);
  return process ? describe(*process) : fmt::format("process {}", pid);
}

}  // namespace runed::client
