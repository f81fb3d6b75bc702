#include "cmd/install/install_work.hpp"

#include <algorithm>
#include <optional>
#include <ostream>

#include "base/json.hpp"
#include "base/text.hpp"
#include "bootstrap/archive/bundle.hpp"
#include "bootstrap/fetch/url.hpp"
#include "bootstrap/install/own_model.hpp"
#include "bootstrap/use/model_choice.hpp"
#include "client/client.hpp"
#include "os/file/files.hpp"
#include "os/process/process.hpp"

namespace runed::cmd {
namespace {

using bootstrap::InstallStep;
using bootstrap::Manifest;
using bootstrap::Part;
using Work = InstallWork;

std::string quantity(uint64_t bytes) {
  return bytes > 0 ? format_bytes(bytes) : "size unknown";
}

Json to_json(const InstallStep& step) {
  Json json{{"part", bootstrap::name_of(step.part)}};
  if (step.part == Part::model) json["variant"] = step.variant;
  json["was"] = bootstrap::name_of(step.state);
  json["path"] = step.path;
  json["sha256"] = step.artifact.sha256;
  json["size_bytes"] = step.artifact.size_bytes;
  json["bytes_received"] = step.bytes_received;
  if (step.is_own) json["source"] = step.artifact.url;
  return json;
}

// The daemon that runs, if one does: what it serves now.
std::optional<client::InfoReport> find_daemon(const Work& work) {
  const auto daemon = daemon_location(work.location);
  if (!daemon) return std::nullopt;
  auto client = client::Client::connect(
      {.daemon = *daemon, .on_loading = {}, .on_stuck = work.services.end_process});
  if (!client) return std::nullopt;
  auto info = client->info();
  if (!info) return std::nullopt;
  return *std::move(info);
}

// The digest of the variant among what was just looked at; empty if it was not.
std::string digest_of(const std::vector<InstallStep>& steps, const std::string& variant) {
  const auto step = std::ranges::find(steps, variant, &InstallStep::variant);
  return step == steps.end() ? std::string() : step->artifact.sha256;
}

// What to do now, so that what was installed is used.
std::string next_step(const Work& work, const std::vector<InstallStep>& steps) {
  // The next command has not our flags.
  const auto next = locate(work.flags.location, {}, work.services);
  const bootstrap::Settings& settings = next ? next->settings : work.location.settings;
  const auto choice = bootstrap::choose_model(work.location.paths, settings);
  if (!choice) return choice.error().message;
  if (!choice->is_installed()) return "no model is installed yet: 'runed install' fetches one";
  const std::string chosen = choice->variant.empty() ? choice->path : choice->variant;
  const auto daemon = find_daemon(work);
  if (!daemon.has_value()) return fmt::format("the next 'runed embed' is answered by {}", chosen);
  const std::string digest = digest_of(steps, choice->variant);
  const bool is_same = digest.empty() || digest == daemon->model_sha256;
  if (daemon->variant == choice->variant && is_same) {
    return fmt::format("the daemon serves {}", chosen);
  }
  return fmt::format(
      "the running daemon goes on serving {}; after 'runed shutdown' the next one serves {}",
      is_same ? daemon->variant : daemon->variant + " as it was", chosen);
}

std::string subject_of(const InstallStep& step) {
  return step.part == Part::model ? fmt::format("model {}", step.variant) : "llama-server";
}

bool is_copy(const InstallStep& step) {
  return step.is_own && !bootstrap::is_fetched(step.artifact.url);
}

std::string planned(const InstallStep& step) {
  return fmt::format("{} is {}: would {} {} from '{}'", subject_of(step),
                     bootstrap::name_of(step.state), is_copy(step) ? "copy" : "fetch",
                     quantity(step.artifact.size_bytes),
                     bootstrap::display_url(step.artifact.sources.front()));
}

std::string done(const InstallStep& step) {
  return fmt::format("{} was {}: installed, {} {}", subject_of(step),
                     bootstrap::name_of(step.state), format_bytes(step.bytes_received),
                     is_copy(step) ? "copied" : "received");
}

// Nobody else knows what a model of one's own must be.
std::string digest_line(const Work& work, const InstallStep& step) {
  return fmt::format("SHA-256 {}{}", step.artifact.sha256,
                     work.flags.sha256.has_value() ? ", as was given"
                     : step.state == bootstrap::ArtifactState::intact
                         ? ""
                         : ", which is recorded: none was given");
}

void print_steps(Work& work, const Manifest& manifest, const std::vector<InstallStep>& steps) {
  const bool is_plan = work.flags.dry_run;
  const std::string next = is_plan ? "nothing was changed" : next_step(work, steps);
  if (work.flags.json) {
    Json all = Json::array();
    for (const InstallStep& step : steps) all.push_back(to_json(step));
    const bool is_change = std::ranges::any_of(steps, [](const InstallStep& step) {
      return step.state != bootstrap::ArtifactState::intact;
    });
    work.services.out << to_line(Json{{"manifest", bootstrap::display_url(manifest.source())},
                                      {"dry_run", is_plan},
                                      {"changed", is_change && !is_plan},
                                      {"steps", all},
                                      {"notes", work.long_work.progress.notes()},
                                      {"next", next}})
                      << "\n";
    return;
  }
  for (const InstallStep& step : steps) {
    const std::string line = step.state == bootstrap::ArtifactState::intact
                                 ? subject_of(step) + " is installed"
                             : is_plan ? planned(step)
                                       : done(step);
    work.services.out << escape_invalid_utf8(line) << "\n";
    if (step.is_own && !is_plan) work.services.out << digest_line(work, step) << "\n";
  }
  work.services.out << "next: " << escape_invalid_utf8(next) << "\n";
}

// What is served where no model is named, if that is not plain: it was another one, or still is.
void note_default(Work& work, const std::vector<InstallStep>& steps) {
  for (const InstallStep& step : steps) {
    if (step.default_before.empty()) continue;
    if (step.default_now != step.variant) {
      work.long_work.progress.note(
          fmt::format("note: {} stays the default, which is served where no model is named; 'runed "
                      "install --default "
                      "--variant {}' changes that",
                      step.default_now, step.variant));
    } else if (step.default_before != step.variant) {
      work.long_work.progress.note(fmt::format(
          "note: {} is the default now, which is served where no model is named, instead of {}",
          step.variant, step.default_before));
    }
  }
}

}  // namespace

bootstrap::DownloadPolicy InstallWork::policy() const {
  // A bundle is for a machine without a network.
  return {.offline = flags.offline || flags.from.has_value()};
}

bootstrap::InstallHooks InstallWork::hooks() {
  return {.watch = long_work.watch(),
          .on_activity = [this](bootstrap::Activity, Part part, const std::string& variant) {
            long_work.doing = part == Part::model ? variant : "llama-server";
          }};
}

// Whoever sits at a terminal reads what becomes of it; a script may run again at any time, and must not
// change what other programs get.
bootstrap::BecomesDefault InstallWork::becomes_default() const {
  const bool is_seen = services.err_is_terminal && os::is_terminal(services.stdin_fd);
  return flags.make_default || is_seen ? bootstrap::BecomesDefault::always
                                       : bootstrap::BecomesDefault::if_first;
}

Status finish(InstallWork& work, const Manifest& manifest, const std::vector<InstallStep>& steps) {
  if (work.flags.export_file.has_value() && !work.flags.dry_run) {
    work.long_work.doing = "bundle";
    TRY(bootstrap::export_bundle(work.location.paths, manifest, steps,
                                 os::absolute_path(*work.flags.export_file), work.policy(),
                                 work.hooks().watch));
  }
  work.long_work.progress.clear();
  note_default(work, steps);
  print_steps(work, manifest, steps);
  return {};
}

}  // namespace runed::cmd
