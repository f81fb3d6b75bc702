#include "cmd/install.hpp"

#include <algorithm>
#include <memory>
#include <optional>
#include <ostream>
#include <vector>

#include "base/json.hpp"
#include "base/text.hpp"
#include "bootstrap/archive/bundle.hpp"
#include "bootstrap/config/home.hpp"
#include "bootstrap/fetch/url.hpp"
#include "bootstrap/install/install.hpp"
#include "bootstrap/manifest/manifest_source.hpp"
#include "bootstrap/use/model_choice.hpp"
#include "client/client.hpp"
#include "cmd/line/flag_set.hpp"
#include "cmd/line/progress.hpp"
#include "cmd/line/setting_flags.hpp"
#include "embed/model/builtin_model.hpp"
#include "os/file/files.hpp"
#include "os/process/process.hpp"

namespace runed::cmd {
namespace {

using bootstrap::InstallStep;
using bootstrap::Manifest;
using bootstrap::Part;

constexpr const char* kExamples =
    "  runed install\n"
    "  runed install --variant f16 --model-only\n"
    "  runed install --variant f16 --model-only --default\n"
    "  runed install --export bundle.tar\n"
    "  runed install --from bundle.tar --offline";

/// What one run works with.
struct Work {
  const InstallFlags& flags;
  Services& services;
  Location location;
  LongWork long_work;

  bootstrap::DownloadPolicy policy() const {
    // A bundle is for a machine without a network.
    return {.offline = flags.offline || flags.from.has_value()};
  }
  bootstrap::InstallHooks hooks() {
    return {.watch = long_work.watch(),
            .on_activity = [this](bootstrap::Activity, Part part, const std::string& variant) {
              long_work.doing = part == Part::model ? variant : "llama-server";
            }};
  }
};

std::string quantity(uint64_t bytes) {
  return bytes > 0 ? format_bytes(bytes) : "size unknown";
}

bool names_variant(const Work& work) {
  return work.flags.settings.contains("model_variant");
}

bool is_builtin(const Work& work) {
  return work.location.settings.model_variant.value == bootstrap::builtin_variant();
}

// Both, as far as they are not named elsewhere or of no use here.
std::vector<Part> default_parts(const Work& work, const Manifest& manifest) {
  const bootstrap::Settings& settings = work.location.settings;
  std::vector<Part> parts;
  const bool is_elsewhere = settings.model.value.has_value() && !names_variant(work);
  if (!is_elsewhere && !is_builtin(work)) parts.push_back(Part::model);
  const bool wants_server = settings.engine.value != bootstrap::EngineKind::native &&
                            !settings.llama_server.value.has_value();
  const bool is_needed = settings.engine.value == bootstrap::EngineKind::llama_server;
  if (wants_server && (is_needed || manifest.llama_server(bootstrap::platform_name()))) {
    parts.push_back(Part::llama_server);
  }
  return parts;
}

// Whoever sits at a terminal reads what becomes of it; a script may run again at any time, and must not
// change what other programs get.
bootstrap::BecomesDefault default_of(const Work& work) {
  const bool is_seen = work.services.err_is_terminal && os::is_terminal(work.services.stdin_fd);
  return work.flags.make_default || is_seen ? bootstrap::BecomesDefault::always
                                            : bootstrap::BecomesDefault::if_first;
}

Result<bootstrap::InstallRequest> request_of(const Work& work, const Manifest& manifest) {
  const bool names_builtin = names_variant(work) && is_builtin(work);
  if (names_builtin || (work.flags.model_only && is_builtin(work))) {
    return make_error(ErrorCode::usage, "variant '{}' is in the executable: nothing to install",
                      bootstrap::builtin_variant());
  }
  bootstrap::InstallRequest request{
      .parts = work.flags.engine_only  ? std::vector{Part::llama_server}
               : work.flags.model_only ? std::vector{Part::model}
                                       : default_parts(work, manifest),
      .variant = work.location.settings.model_variant.value.value_or(""),
      .becomes_default = default_of(work)};
  // A bundle stands in for the manifest that is configured.
  if (work.flags.from.has_value()) {
    request.manifest_url = work.location.settings.manifest.value;
  }
  return request;
}

Json to_json(const InstallStep& step) {
  Json json{{"part", bootstrap::name_of(step.part)}};
  if (step.part == Part::model) json["variant"] = step.variant;
  json["was"] = bootstrap::name_of(step.state);
  json["path"] = step.path;
  json["sha256"] = step.artifact.sha256;
  json["size_bytes"] = step.artifact.size_bytes;
  json["bytes_received"] = step.bytes_received;
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

std::string planned(const InstallStep& step) {
  return fmt::format("{} is {}: would fetch {} from '{}'", subject_of(step),
                     bootstrap::name_of(step.state), quantity(step.artifact.size_bytes),
                     bootstrap::display_url(step.artifact.sources.front()));
}

std::string done(const InstallStep& step) {
  return fmt::format("{} was {}: installed, {} received", subject_of(step),
                     bootstrap::name_of(step.state), format_bytes(step.bytes_received));
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

Status print_list(Work& work, const Manifest& manifest) {
  TRY_ASSIGN(const auto installed, bootstrap::installed_variants(work.location.paths));
  Json all = Json::array();
  std::string lines;
  const auto add = [&](const std::string& variant, uint64_t size, bool is_installed) {
    const bool is_default = variant == manifest.default_model();
    all.push_back({{"variant", variant},
                   {"size_bytes", size},
                   {"installed", is_installed},
                   {"default", is_default}});
    lines +=
        fmt::format("{:<36} {:>12}  {}{}\n", variant, quantity(size),
                    is_installed ? "installed" : "not installed", is_default ? ", default" : "");
  };
  std::vector<std::string> variants = manifest.variants();
  for (const std::string& variant : installed) {
    if (std::ranges::find(variants, variant) == variants.end()) variants.push_back(variant);
  }
  for (const std::string& variant : variants) {
    const auto model = manifest.model(variant);
    add(variant, model ? model->size_bytes : 0,
        std::ranges::find(installed, variant) != installed.end());
  }
  add(bootstrap::builtin_variant(), embed::builtin_model().size(), true);
  work.services.out << (work.flags.json
                            ? to_line(Json{{"manifest", bootstrap::display_url(manifest.source())},
                                           {"variants", all}}) +
                                  "\n"
                            : escape_invalid_utf8(lines));
  return {};
}

Status work_with(Work& work, const Manifest& manifest) {
  if (work.flags.list) return print_list(work, manifest);
  const bootstrap::Paths& paths = work.location.paths;
  TRY_ASSIGN(const bootstrap::InstallRequest request, request_of(work, manifest));
  const bootstrap::InstallHooks hooks = work.hooks();
  TRY_ASSIGN(const auto steps, work.flags.dry_run
                                   ? bootstrap::plan_install(paths, manifest, request, hooks)
                                   : bootstrap::install(paths, manifest, request, work.policy(),
                                                        work.services.clock, hooks));
  if (work.flags.export_file.has_value() && !work.flags.dry_run) {
    work.long_work.doing = "bundle";
    TRY(bootstrap::export_bundle(paths, manifest, steps, os::absolute_path(*work.flags.export_file),
                                 work.policy(), hooks.watch));
  }
  work.long_work.progress.clear();
  note_default(work, steps);
  print_steps(work, manifest, steps);
  return {};
}

Status install(Work& work) {
  const bootstrap::Paths& paths = work.location.paths;
  const std::string& url = work.location.settings.manifest.value;
  const bootstrap::Watch watch = work.hooks().watch;
  const bool is_look = work.flags.list || work.flags.dry_run;
  if (work.flags.export_file.has_value()) {
    TRY(bootstrap::check_bundle_place(os::absolute_path(*work.flags.export_file)));
  }
  if (!is_look || work.flags.from.has_value()) TRY(bootstrap::make_directories(paths));
  if (work.flags.from.has_value()) {
    work.long_work.doing = "bundle";
    TRY_ASSIGN(const auto bundle,
               bootstrap::Bundle::open(paths, os::absolute_path(*work.flags.from), url, watch));
    return work_with(work, bundle.manifest());
  }
  TRY_ASSIGN(const Manifest manifest, bootstrap::load_manifest(paths, url, work.policy(), watch));
  return work_with(work, manifest);
}

}  // namespace

Result<ExitCode> run_install(const InstallFlags& flags, Services& services) {
  TRY_ASSIGN(Location location, locate(flags.location, flags.settings, services));
  Work work{.flags = flags,
            .services = services,
            .location = std::move(location),
            .long_work = {.progress = Progress(services.err,
                                               flags.json ? Display::none : display_of(services),
                                               services.clock),
                          .signals = services.signals,
                          .doing = "manifest",
                          .fetches = !flags.list && !flags.dry_run}};
  Status installed = install(work);
  work.long_work.progress.clear();
  if (!installed) return work.long_work.explain(std::move(installed).error());
  return ExitCode::ok;
}

Runner define_install(FlagSet& set) {
  auto flags = std::make_shared<InstallFlags>();
  set.footer(kExamples);
  add_setting_flag(set, flags->settings, "model_variant",
                   "Model to install (RUNED_MODEL_VARIANT; the manifest's default)");
  add_setting_flag(set, flags->settings, "manifest", "Manifest to install from (RUNED_MANIFEST)");
  const Flag engine_only =
      set.add_flag("--engine-only", flags->engine_only, "Install llama-server only");
  set.add_flag("--model-only", flags->model_only, "Install the model only").excludes(engine_only);
  set.add_flag("--default", flags->make_default, "Serve it where no model is named")
      .excludes(engine_only);
  const Flag from =
      set.add_option("--from", flags->from, "Install from a bundle, without the network");
  from.type_name("DIR|FILE");
  const Flag export_file =
      set.add_option("--export", flags->export_file, "Also write a bundle for another machine");
  export_file.type_name("FILE").excludes(from);
  set.add_flag("--offline", flags->offline, "Fail rather than use the network");
  set.add_flag("--list", flags->list, "List what can be installed").excludes(export_file);
  set.add_flag("--dry-run", flags->dry_run, "Tell what would be done, and do nothing")
      .excludes(export_file);
  set.add_flag("--json", flags->json, "Print one JSON document; also for errors");
  add_location_flags(set, flags->location);
  return [flags](Services& services) { return run_install(*flags, services); };
}

}  // namespace runed::cmd
