#include "cmd/doctor/doctor_daemon.hpp"

#include <fmt/ranges.h>

#include <chrono>
#include <string>
#include <utility>

#include "bootstrap/config/daemon_lock.hpp"
#include "bootstrap/config/home.hpp"
#include "client/client.hpp"
#include "cmd/setting_differences.hpp"
#include "cmd/version.hpp"
#include "os/net/unix_socket.hpp"
#include "os/process/process.hpp"

namespace runed::cmd {
namespace {

constexpr std::chrono::milliseconds kNow{0};

Finding judge_daemon(int pid, const client::HealthReport& health, const client::InfoReport& info) {
  const std::string state = health.state;
  std::string detail = fmt::format("pid {} is {}", pid, state);
  if (!info.model_name.empty()) detail += fmt::format(" and serves {}", info.model_name);
  if (state == "shutting_down") {
    return {"daemon", Outcome::ok,
            fmt::format("pid {} is ending, and the next one takes over", pid)};
  }
  if (state != "ok" && state != "idle" && state != "loading") {
    return {"daemon", Outcome::problem, fmt::format("{}: {}", detail, health.message),
            "'runed status' has more, and so has logs/daemon.log"};
  }
  if (info.daemon_version != kVersion) {
    return {"daemon", Outcome::warning,
            fmt::format("{}; it is version {}, this is {}", detail, info.daemon_version, kVersion),
            "'runed shutdown --wait 10': the next one is this version"};
  }
  return {"daemon", Outcome::ok, std::move(detail)};
}

// What this shell and config.json name beside what the daemon has that runs.
Finding judge_settings(const Location& location, const client::InfoReport& info) {
  const auto differences = compare_settings(location, info, Compared::what_is_named);
  if (!differences) return problem("settings", differences.error());
  if (differences->empty()) {
    return {"settings", Outcome::ok, "the daemon that runs has what is named here"};
  }
  std::vector<std::string> texts;
  for (const SettingDifference& difference : *differences) texts.push_back(difference.text);
  return {"settings", refuse_other_daemon(*differences) ? Outcome::warning : Outcome::problem,
          fmt::format("{}", fmt::join(texts, "; ")), kReplaceDaemonHint};
}

// Of the daemon itself: what this shell names may be otherwise.
std::vector<Finding> describe_running(const client::InfoReport& info) {
  return {{"model", Outcome::ok,
           fmt::format("{} ({}), which the daemon that runs serves",
                       info.variant.empty() ? info.model_name : info.variant, info.model_identity)},
          {"engine", Outcome::ok, describe_engine(info)}};
}

// Without a daemon: whether the next one can listen. Of a home that cannot be used, its check tells.
Finding check_place(const std::string& socket, const Location& location) {
  if (!bootstrap::check_usable(location.paths)) return {"daemon", Outcome::ok, "none runs"};
  if (const Status binary = check_runed_binary(location.settings); !binary) {
    return problem("daemon", binary.error());
  }
  if (const Status free = os::check_listenable(socket); !free) {
    return problem("daemon", free.error());
  }
  return {"daemon", Outcome::ok,
          fmt::format("none runs; the next 'runed embed' starts one on '{}'", socket)};
}

}  // namespace

DaemonLook look_at_daemon(const Location& location, const Services& services) {
  const auto daemon = daemon_location(location);
  if (!daemon) return {{problem("daemon", daemon.error())}};
  const std::string& socket = daemon->socket_path;
  auto client = client::Client::connect(
      {.daemon = *daemon, .on_loading = {}, .on_stuck = services.end_process});
  if (!client) {
    const ErrorCode code = client.error().code;
    if (code != ErrorCode::not_found && code != ErrorCode::unavailable) {
      return {{problem("daemon", client.error())}};
    }
    const auto holder = bootstrap::find_daemon_elsewhere(daemon->daemon_lock, socket);
    if (!holder.has_value()) return {{check_place(socket, location)}};
    return {{problem("daemon", bootstrap::serves_elsewhere(*holder, daemon->daemon_lock, socket))}};
  }
  auto health = client->health();
  auto info = health ? client->info() : Result<client::InfoReport>(health.error());
  // It has ended while it was asked.
  const bool is_gone = !info && os::wait_for_exit(client->daemon_pid(), kNow);
  if (is_gone) return {{check_place(socket, location)}};
  if (!info) {
    return {{{"daemon", Outcome::problem,
              fmt::format("pid {} does not answer: {}", client->daemon_pid(), info.error().message),
              "'runed shutdown --force' ends it"}}};
  }
  DaemonLook look{
      {judge_daemon(client->daemon_pid(), *health, *info), judge_settings(location, *info)}};
  if (info->engine.empty() || (health->state != "ok" && health->state != "idle")) return look;
  for (Finding& finding : describe_running(*info)) look.findings.push_back(std::move(finding));
  look.running = *std::move(info);
  return look;
}

std::string describe_engine(const client::InfoReport& info) {
  if (info.engine != name_of(bootstrap::EngineKind::native)) {
    return fmt::format("{}: {}", info.engine, info.engine_reason);
  }
  return fmt::format("{}, {}, {}: {}", info.engine, info.compute, info.kernel, info.engine_reason);
}

}  // namespace runed::cmd
