#include "cmd/shutdown.hpp"

#include <csignal>
#include <memory>
#include <ostream>

#include "base/duration.hpp"
#include "base/json.hpp"
#include "bootstrap/config/daemon_lock.hpp"
#include "client/client.hpp"
#include "client/daemon_process.hpp"
#include "cmd/line/flag_set.hpp"
#include "cmd/line/note.hpp"
#include "cmd/line/value_checks.hpp"
#include "os/process/process.hpp"

namespace runed::cmd {
namespace {

using std::chrono::milliseconds;

// With --force and no --wait: how long asking, and then SIGTERM, may take.
constexpr milliseconds kForceWait{5000};
constexpr milliseconds kKillWait{5000};
constexpr int64_t kMostGrace = int64_t{366} * 24 * 3600;  // Seconds.
constexpr milliseconds kLastMoment{1000};  // Of a daemon that has let go of its lock.

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

using Proof = Result<std::optional<os::ProcessHandle>>;

/// The process that is to end.
struct Target {
  int pid = 0;
  bool was_asked = false;  // And agreed.
};

Error not_a_daemon(const client::DaemonLocation& daemon, int pid) {
  return make_error(ErrorCode::permission_denied,
                    "{} listens on '{}' and is not the daemon of '{}': it is left alone",
                    client::describe_process(pid), daemon.socket_path, daemon.home)
      .with_hint("name the home of that daemon with --home; if it is none, end it yourself");
}

// Without a listener: it may be ending already, or starting.
Result<std::optional<Target>> find_silent(const client::DaemonLocation& daemon) {
  if (const auto holder =
          bootstrap::find_daemon_elsewhere(daemon.daemon_lock, daemon.socket_path)) {
    return bootstrap::serves_elsewhere(*holder, daemon.daemon_lock, daemon.socket_path);
  }
  TRY_ASSIGN(const auto process, client::find_daemon_process(daemon));
  if (!process.has_value()) return std::optional<Target>{};
  return std::optional<Target>{{.pid = process->pid()}};
}

// Asks, and returns the process to wait for; none if no daemon runs. The connection is closed
// before any wait: a daemon lets open ones go only after a while.
Result<std::optional<Target>> ask(const ShutdownFlags& flags, const Services& services,
                                  const client::DaemonLocation& daemon) {
  auto client = client::Client::connect(
      {.daemon = daemon, .on_loading = {}, .on_stuck = services.end_process});
  if (!client) {
    const ErrorCode code = client.error().code;
    const bool cannot_ask = flags.force && code == ErrorCode::too_few_threads;
    if (code == ErrorCode::not_found || code == ErrorCode::unavailable || cannot_ask) {
      return find_silent(daemon);
    }
    return std::move(client).error();
  }
  const int pid = client->daemon_pid();
  const Status asked = client->shutdown(flags.grace_seconds);
  if (asked) return std::optional<Target>{{.pid = pid, .was_asked = true}};
  const auto process = client::find_daemon_process(daemon);
  const bool is_daemon = process && process->has_value() && (*process)->pid() == pid;
  // Unavailable: it is ending already, as asked by somebody else.
  if (asked.error().code == ErrorCode::unavailable &&
      (is_daemon || os::wait_for_exit(pid, kLastMoment))) {
    return std::optional<Target>{{.pid = pid, .was_asked = true}};
  }
  if (flags.force) return std::optional<Target>{{.pid = pid}};
  return is_daemon ? asked.error() : not_a_daemon(daemon, pid);
}

// Ends what is proven to be the daemon, and returns its process. What listens at the socket without
// being that may end as asked, but is never signalled.
Result<int> force(const client::DaemonLocation& daemon, const Proof& proof, const Target& target,
                  milliseconds wait) {
  if (!proof || !proof->has_value()) {
    if (target.was_asked && os::wait_for_exit(target.pid, wait)) return target.pid;
    return proof ? not_a_daemon(daemon, target.pid) : proof.error();
  }
  const os::ProcessHandle& proven = **proof;
  for (const int signal : {SIGTERM, SIGKILL}) {
    if (proven.wait_for_exit(wait)) return proven.pid();
    const Status sent = proven.signal(signal);
    if (!sent && sent.error().code != ErrorCode::not_found) return sent.error();
  }
  if (proven.wait_for_exit(kKillWait)) return proven.pid();
  return make_error(ErrorCode::deadline_exceeded, "process {} does not end, even by SIGKILL",
                    proven.pid());
}

}  // namespace

Result<ExitCode> run_shutdown(const ShutdownFlags& flags, Services& services) {
  TRY_ASSIGN(const auto found, locate_anyway(flags.location, services, HomeUse::look));
  const auto& [location, faults] = found;
  note_faults(faults, flags.json, services);
  TRY_ASSIGN(const client::DaemonLocation daemon, daemon_location(location));
  const milliseconds wait = to_milliseconds(flags.wait_seconds);

  // Before it is asked: one that is ending lets go of the lock that proves what it is.
  const Proof proof = flags.force ? client::find_daemon_process(daemon) : Proof();
  TRY_ASSIGN(const std::optional<Target> target, ask(flags, services, daemon));
  if (!target.has_value()) {
    return report(flags, services, "not_running", "runed is not running.", 0);
  }
  const int pid = target->pid;
  if (flags.force) {
    const milliseconds patience = wait.count() > 0 ? wait : kForceWait;
    TRY_ASSIGN(const int ended, force(daemon, proof, *target, patience));
    return report(flags, services, "stopped", fmt::format("runed (pid {}) has ended.", ended),
                  ended);
  }
  if (wait.count() == 0) {
    return report(flags, services, "stopping", fmt::format("runed (pid {}) is shutting down.", pid),
                  pid);
  }
  if (!os::wait_for_exit(pid, wait)) {
    return make_error(ErrorCode::deadline_exceeded, "runed (pid {}) is still there after {} s", pid,
                      flags.wait_seconds)
        .with_hint("wait longer, or end it with 'runed shutdown --force'");
  }
  return report(flags, services, "stopped", fmt::format("runed (pid {}) has ended.", pid), pid);
}

Runner define_shutdown(FlagSet& set) {
  auto flags = std::make_shared<ShutdownFlags>();
  set.footer(kExamples);
  set.add_option("--grace", flags->grace_seconds, "Time for requests under way (10)")
      .type_name("SECONDS")
      .check([](const std::string& text) { return check_whole_number(text, 1, kMostGrace); });
  set.add_option("--wait", flags->wait_seconds, "Wait up to this long for the process to be gone")
      .type_name("SECONDS")
      .check(check_seconds_or_none);
  set.add_flag("--force", flags->force, "End it with SIGTERM and SIGKILL if asking is not enough");
  set.add_flag("--json", flags->json, "Print one JSON document; also for errors");
  add_location_flags(set, flags->location);
  return [flags](Services& services) { return run_shutdown(*flags, services); };
}

}  // namespace runed::cmd
