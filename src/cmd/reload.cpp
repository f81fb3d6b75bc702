#include "cmd/reload.hpp"

#include <memory>
#include <ostream>

#include "base/json.hpp"
#include "base/text.hpp"
#include "bootstrap/config/daemon_lock.hpp"
#include "client/client.hpp"
#include "cmd/line/flag_set.hpp"
#include "cmd/line/note.hpp"
#include "cmd/setting_differences.hpp"

namespace runed::cmd {
namespace {

constexpr const char* kExamples = "  runed reload";

std::string to_text(const client::ReloadReport& report) {
  std::string text;
  for (const std::string& each : report.changed) text += each + "\n";
  for (const std::string& each : report.needs_start) {
    text += fmt::format("{}: that needs a new start\n", each);
  }
  if (!report.needs_start.empty()) text += std::string(kReplaceDaemonHint) + "\n";
  return text.empty() ? "nothing has changed\n" : text;
}

// Why no daemon was reached: as a rule because none runs.
Error explain(Error error, const client::DaemonLocation& daemon) {
  if (error.code != ErrorCode::not_found && error.code != ErrorCode::unavailable) return error;
  if (const auto holder =
          bootstrap::find_daemon_elsewhere(daemon.daemon_lock, daemon.socket_path)) {
    return bootstrap::serves_elsewhere(*holder, daemon.daemon_lock, daemon.socket_path);
  }
  return make_error(ErrorCode::unavailable, "no daemon runs: nothing listens on '{}'",
                    daemon.socket_path)
      .with_hint("the next one reads config.json when it starts");
}

}  // namespace

// What is wrong with config.json is told by the daemon, which goes on as it was; what is wrong here
// all the same is noted.
Result<ExitCode> run_reload(const ReloadFlags& flags, Services& services) {
  TRY_ASSIGN(const auto found, locate_anyway(flags.location, services, HomeUse::look));
  TRY_ASSIGN(const client::DaemonLocation daemon, daemon_location(found.location));
  auto client = client::Client::connect(
      {.daemon = daemon, .on_loading = {}, .on_stuck = services.end_process});
  if (!client) return explain(std::move(client).error(), daemon);
  TRY_ASSIGN(const client::ReloadReport report, client->reload());
  note_faults(found.faults, flags.json, services);
  if (flags.json) {
    services.out << to_line(Json{{"changed", report.changed}, {"needs_start", report.needs_start}})
                 << "\n";
  } else {
    services.out << escape_invalid_utf8(to_text(report));
  }
  return ExitCode::ok;
}

Runner define_reload(FlagSet& set) {
  auto flags = std::make_shared<ReloadFlags>();
  set.footer(kExamples);
  set.add_flag("--json", flags->json, "Print one JSON document; also for errors");
  add_location_flags(set, flags->location);
  return [flags](Services& services) { return run_reload(*flags, services); };
}

}  // namespace runed::cmd
