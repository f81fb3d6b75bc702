#include "cmd/line/model_client.hpp"

#include <algorithm>

#include "base/duration.hpp"
#include "base/text.hpp"
#include "bootstrap/config/last_daemon.hpp"
#include "bootstrap/manifest/manifest_source.hpp"
#include "bootstrap/use/model_choice.hpp"
#include "cmd/setting_differences.hpp"

namespace runed::cmd {
namespace {

void show_loading(const client::HealthReport& health, std::string& told, Progress& progress) {
  if (health.bytes_done > 0) {
    progress.update(health.message, static_cast<uint64_t>(health.bytes_done),
                    static_cast<uint64_t>(health.bytes_total));
  }
  if (health.message == told || health.uptime_seconds < 1) return;
  told = health.message;
  progress.note("waiting for the daemon: " + told);
}

// A variant that could be served once it was installed.
Error advise_install(Error error, const ModelRequest& request) {
  const auto& [paths, settings] = request.location;
  const auto choice = bootstrap::choose_model(paths, settings);
  const auto manifest = bootstrap::load_local_manifest(paths, settings.manifest.value);
  if (!choice || !manifest || choice->kind != bootstrap::ModelChoice::Kind::variant) return error;
  const auto variant = bootstrap::find_variant(manifest->variants(), choice->variant);
  if (!variant) return error;
  error.hint = fmt::format("'runed install --variant {}' fetches it; {}", *variant, error.hint);
  return error;
}

// That the one before has died may be no news, but its flags have gone with it.
void note_successor(const bootstrap::LastDaemon& dead, const client::InfoReport& info,
                    Progress& progress) {
  std::vector<client::InfoReport::ConfigValue> before;
  for (const auto& [key, value, origin] : dead.settings) {
    before.push_back({key, escape_invalid_utf8(value), std::string(name_of(origin))});
  }
  const std::string changes = describe_changes(before, info.config);
  if (changes.empty()) return;
  progress.note(fmt::format(
      "note: the daemon before (pid {}) has died, and the one that was started now has other "
      "settings: {}",
      dead.pid, changes));
}

// Asks for the model that is named in place of the daemon's own, and for what it is. A daemon that has only one is as it
// always was: then the difference stays.
Status ask_for_model(std::vector<SettingDifference>& differences, client::Client& client,
                     client::InfoReport& info) {
  const auto named = std::ranges::find_if(differences, [](const SettingDifference& difference) {
    return difference.model.has_value();
  });
  if (named == differences.end()) return {};
  Status used = client.use_model(*named->model);
  if (!used && used.error().code == ErrorCode::not_implemented) return {};
  TRY(std::move(used));
  differences.erase(named);
  TRY_ASSIGN(info, client.info());
  return {};
}

// One that this command has just started has its settings from it, but for the flags.
Status check_settings(const ModelRequest& request, client::Client& client, client::InfoReport& info,
                      Progress& progress) {
  if (client.started_daemon()) {
    const auto dead = bootstrap::read_last_daemon(request.location.paths.dead_daemon);
    if (dead.has_value()) note_successor(*dead, info, progress);
    if (request.settings.empty()) return {};
  }
  TRY_ASSIGN(auto differences, compare_settings(request.location, info, Compared::what_is_named));
  TRY(ask_for_model(differences, client, info));
  TRY(refuse_other_daemon(differences));
  for (const SettingDifference& difference : differences) {
    progress.note(fmt::format("note: {}; {}", difference.text, kReplaceDaemonHint));
  }
  return {};
}

}  // namespace

Result<client::Client> connect(const ModelRequest& request, Progress& progress) {
  client::ClientOptions options{.start = client::StartPolicy::on_demand};
  TRY_ASSIGN(options.daemon, daemon_location(request.location));
  options.timeout = to_milliseconds(request.timeout_seconds);
  options.on_loading = [&progress,
                        told = std::string()](const client::HealthReport& health) mutable {
    show_loading(health, told, progress);
  };
  options.on_replaced = [&progress](const client::InfoReport& before,
                                    const client::InfoReport& now) {
    const std::string changes = describe_changes(before.config, now.config);
    if (changes.empty()) return;
    progress.note(
        fmt::format("note: the daemon (pid {}) has ended, and the one that goes on (pid {}) has "
                    "other settings: "
                    "{}",
                    before.pid, now.pid, changes));
  };
  options.on_stuck = request.services.end_process;
  options.on_wait = [&progress](const std::string& what) { progress.note(what); };
  return client::Client::connect(std::move(options));
}

Result<client::InfoReport> prepare_model(const ModelRequest& request, client::Client& client,
                                         Progress& progress) {
  TRY(client.wait_ready());
  progress.clear();
  // What the daemon says of its own model is nothing to who has named another one.
  if (client.started_daemon() && request.settings.empty()) {
    const auto health = client.health();
    if (health && !health->message.empty()) progress.note("note: " + health->message);
  }
  TRY_ASSIGN(auto info, client.info());
  TRY(check_settings(request, client, info, progress));
  return info;
}

// Why a daemon could not start is in its log; the likeliest reason can be told better here.
Error explain(Error error, const ModelRequest& request) {
  if (error.code == ErrorCode::unknown_model) return advise_install(std::move(error), request);
  if (error.code != ErrorCode::unavailable) return error;
  if (Status binary = check_runed_binary(request.location.settings); !binary) {
    return std::move(binary).error();
  }
  auto choice = bootstrap::choose_model(request.location.paths, request.location.settings);
  return choice ? std::move(error) : std::move(choice).error();
}

}  // namespace runed::cmd
