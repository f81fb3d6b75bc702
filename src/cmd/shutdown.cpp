#include "cmd/shutdown.hpp"

#include <CLI/CLI.hpp>
#include <csignal>
#include <ostream>

#include "base/duration.hpp"
#include "base/json.hpp"
#include "client/client.hpp"
#include "cmd/seconds.hpp"
#include "os/file_lock.hpp"
#include "os/process.hpp"

namespace runed::cmd {
namespace {

using std::chrono::milliseconds;

// With --force and no --wait: how long asking, and then SIGTERM, may take.
constexpr milliseconds kForceWait{5000};
constexpr milliseconds kKillWait{5000};

constexpr const char* kExamples =
    "  runed shutdown\n"
    "  runed shutdown --wait 30\n"
    "  runed shutdown --grace 60 --wait 70\n"
    "  runed shutdown --force";

ExitCode report(const ShutdownFlags& flags, Services& services, std::string_view outcome,
                std::string_view sentence, int pid) {
  if (flags.json) {
    services.out << to_line(Json{{"outcome", outcome}, {"pid", pid > 0 ? Json(pid) : Json()}})
                 << "\n";
  } else {
    services.out << sentence << "\n";
  }
  return ExitCode::ok;
}

// The process to end when it does not listen to its socket: the holder of the daemon's lock.
std::optional<int> find_lock_holder(const Location& location) {
  if (!os::FileLock::is_held(location.paths.daemon_lock)) return std::nullopt;
  return os::FileLock::read_holder(location.paths.daemon_lock);
}

// Asks, and returns the process to wait for; none if no daemon runs. The connection is closed
// before any wait: a daemon lets open ones go only after a while.
Result<std::optional<int>> ask(const ShutdownFlags& flags, const Location& location,
                               const client::DaemonLocation& daemon) {
  auto client = client::Client::connect({.daemon = daemon, .on_loading = {}});
  if (client) {
    const Status asked = client->shutdown(flags.grace_seconds);
    // Unavailable: it is ending already, as asked by somebody else.
    if (!asked && !flags.force && asked.error().code != ErrorCode::unavailable) {
      return asked.error();
    }
    return client->daemon_pid();
  }
  const ErrorCode code = client.error().code;
  if (code != ErrorCode::not_found && code != ErrorCode::unavailable) {
    return std::move(client).error();
  }
  return find_lock_holder(location);  // It may be finishing already, or starting.
}

Status force(int pid, milliseconds wait) {
  for (const int signal : {SIGTERM, SIGKILL}) {
    if (os::wait_for_exit(pid, wait)) return {};
    const Status sent = os::signal_process(pid, signal);
    if (!sent && sent.error().code != ErrorCode::not_found) return sent;
  }
  if (os::wait_for_exit(pid, kKillWait)) return {};
  return make_error(ErrorCode::deadline_exceeded, "process {} does not end, even by SIGKILL", pid);
}

}  // namespace

Result<ExitCode> run_shutdown(const ShutdownFlags& flags, Services& services) {
  TRY_ASSIGN(const Location location, locate(flags.location, {}, services));
  TRY_ASSIGN(const client::DaemonLocation daemon, daemon_location(location));
  const milliseconds wait = to_milliseconds(flags.wait_seconds);

  TRY_ASSIGN(const std::optional<int> pid, ask(flags, location, daemon));
  if (!pid.has_value()) {
    return report(flags, services, "not_running", "runed is not running.", 0);
  }
  if (flags.force) {
    TRY(force(*pid, wait.count() > 0 ? wait : kForceWait));
    return report(flags, services, "stopped", fmt::format("runed (pid {}) has ended.", *pid), *pid);
  }
  if (wait.count() == 0) {
    return report(flags, services, "stopping",
                  fmt::format("runed (pid {}) is shutting down.", *pid), *pid);
  }
  if (!os::wait_for_exit(*pid, wait)) {
    return make_error(ErrorCode::deadline_exceeded, "runed (pid {}) is still there after {} s",
                      *pid, flags.wait_seconds)
        .with_hint("wait longer, or end it with 'runed shutdown --force'");
  }
  return report(flags, services, "stopped", fmt::format("runed (pid {}) has ended.", *pid), *pid);
}

Runner define_shutdown(CLI::App& app) {
  auto flags = std::make_shared<ShutdownFlags>();
  app.footer(kExamples);
  app.add_option("--grace", flags->grace_seconds, "Time for requests under way (10)")
      ->type_name("SECONDS")
      ->check(check_seconds);
  app.add_option("--wait", flags->wait_seconds, "Wait up to this long for the process to be gone")
      ->type_name("SECONDS")
      ->check(CLI::NonNegativeNumber.description(""));
  app.add_flag("--force", flags->force, "End it with SIGTERM and SIGKILL if asking is not enough");
  app.add_flag("--json", flags->json, "Print one JSON document; also for errors");
  add_location_flags(app, flags->location);
  return [flags](Services& services) { return run_shutdown(*flags, services); };
}

}  // namespace runed::cmd
