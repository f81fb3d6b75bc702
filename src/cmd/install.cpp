#include "cmd/install.hpp"

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
#include "bootstrap/manifest/variant.hpp"
#include "cmd/install/catalogue.hpp"
#include "cmd/install/install_work.hpp"
#include "cmd/install/own_source.hpp"
#include "cmd/line/flag_set.hpp"
#include "cmd/line/progress.hpp"
#include "cmd/line/setting_flags.hpp"
#include "os/file/files.hpp"
#include "os/process/process.hpp"

namespace runed::cmd {
namespace {

using bootstrap::InstallStep;
using bootstrap::Manifest;
using bootstrap::Part;
using Work = InstallWork;

constexpr const char* kExamples =
    "  runed install\n"
    "  runed install --variant f16 --model-only\n"
    "  runed install --variant f16 --model-only --default\n"
    "  runed install --list\n"
    "  runed install --search multilingual\n"
    "  runed install ~/models/mine.gguf --name mine\n"
    "  runed install https://example.org/mine.gguf --sha256 HEX\n"
    "  runed install --export bundle.tar\n"
    "  runed install --from bundle.tar --offline";

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
      .becomes_default = work.becomes_default()};
  // A bundle stands in for the manifest that is configured.
  if (work.flags.from.has_value()) {
    request.manifest_url = work.location.settings.manifest.value;
  }
  return request;
}

Status print_list(Work& work, const Manifest& manifest) {
  TRY_ASSIGN(auto entries, list_catalogue(work.location.paths, manifest));
  const std::string word = work.flags.search.value_or("");
  std::erase_if(entries, [&word](const CatalogueEntry& entry) { return !is_about(entry, word); });
  if (work.flags.json) {
    Json all = Json::array();
    for (const CatalogueEntry& entry : entries) all.push_back(to_json(entry));
    work.services.out << to_line(Json{{"manifest", bootstrap::display_url(manifest.source())},
                                      {"variants", all}})
                      << "\n";
  } else if (entries.empty()) {
    work.long_work.progress.note(
        fmt::format("note: no model has '{}' in its name, architecture, licence or description; "
                    "'runed install --list' lists all",
                    printable(word)));
  } else {
    work.services.out << format_catalogue(entries, work.services.out_columns);
  }
  return {};
}

Status work_with(Work& work, const Manifest& manifest) {
  if (work.flags.list || work.flags.search.has_value()) return print_list(work, manifest);
  const bootstrap::Paths& paths = work.location.paths;
  TRY_ASSIGN(const auto own, find_own(work, manifest));
  if (own.has_value()) return finish(work, manifest, {*own});
  TRY_ASSIGN(const bootstrap::InstallRequest request, request_of(work, manifest));
  const bootstrap::InstallHooks hooks = work.hooks();
  TRY_ASSIGN(const auto steps, work.flags.dry_run
                                   ? bootstrap::plan_install(paths, manifest, request, hooks)
                                   : bootstrap::install(paths, manifest, request, work.policy(),
                                                        work.services.clock, hooks));
  return finish(work, manifest, steps);
}

Status install(Work& work) {
  const bootstrap::Paths& paths = work.location.paths;
  const std::string& url = work.location.settings.manifest.value;
  const bootstrap::Watch watch = work.hooks().watch;
  const bool is_look = work.flags.list || work.flags.search.has_value() || work.flags.dry_run;
  if (work.flags.export_file.has_value()) {
    TRY(bootstrap::check_bundle_place(os::absolute_path(*work.flags.export_file)));
  }
  if (!is_look || work.flags.from.has_value()) TRY(bootstrap::make_directories(paths));
  if (work.flags.source.has_value()) return install_own(work);
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
                          .fetches = !flags.list && !flags.search && !flags.dry_run}};
  Status installed = install(work);
  work.long_work.progress.clear();
  if (!installed) return work.long_work.explain(std::move(installed).error());
  return ExitCode::ok;
}

Runner define_install(FlagSet& set) {
  auto flags = std::make_shared<InstallFlags>();
  set.footer(kExamples);
  const Flag source = set.add_option("SOURCE", flags->source,
                                     "A model of your own: a GGUF file, a directory or a URL");
  add_setting_flag(set, flags->settings, "model_variant",
                   "Model to install (RUNED_MODEL_VARIANT; the manifest's default)");
  add_setting_flag(set, flags->settings, "manifest", "Manifest to install from (RUNED_MANIFEST)");
  const Flag name = set.add_option("--name", flags->name, "What SOURCE is to be called");
  name.type_name("NAME").needs(source);
  const Flag sha256 = set.add_option("--sha256", flags->sha256, "What SOURCE must hash to");
  sha256.type_name("HEX").needs(source);
  const Flag engine_only =
      set.add_flag("--engine-only", flags->engine_only, "Install llama-server only")
          .excludes(source);
  set.add_flag("--model-only", flags->model_only, "Install the model only").excludes(engine_only);
  set.add_flag("--default", flags->make_default, "Serve it where no model is named")
      .excludes(engine_only);
  const Flag from =
      set.add_option("--from", flags->from, "Install from a bundle, without the network");
  from.type_name("DIR|FILE").excludes(source);
  const Flag export_file =
      set.add_option("--export", flags->export_file, "Also write a bundle for another machine");
  export_file.type_name("FILE").excludes(from);
  set.add_flag("--offline", flags->offline, "Fail rather than use the network");
  const Flag list = set.add_flag("--list", flags->list, "List what can be installed");
  list.excludes(export_file).excludes(source);
  set.add_option("--search", flags->search, "List what has a word in what is said of it")
      .type_name("WORD")
      .excludes(export_file)
      .excludes(source);
  set.add_flag("--dry-run", flags->dry_run, "Tell what would be done, and do nothing")
      .excludes(export_file);
  set.add_flag("--json", flags->json, "Print one JSON document; also for errors");
  add_location_flags(set, flags->location);
  return [flags](Services& services) { return run_install(*flags, services); };
}

}  // namespace runed::cmd
