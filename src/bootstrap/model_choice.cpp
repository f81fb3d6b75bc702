#include "bootstrap/model_choice.hpp"

#include <fmt/ranges.h>

#include <algorithm>

#include "bootstrap/installed.hpp"
#include "bootstrap/manifest_source.hpp"
#include "os/directories.hpp"
#include "os/files.hpp"

namespace runed::bootstrap {
namespace {

constexpr std::string_view kExtension = ".gguf";

using Kind = ModelChoice::Kind;

ModelChoice installed_choice(const Paths& paths, const std::string& variant, Origin origin) {
  return {Kind::variant, variant, model_path(paths, variant), origin};
}

ModelChoice builtin_choice(Origin origin) {
  return {Kind::builtin, std::string(kBuiltinVariant), {}, origin};
}

bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::ranges::find(names, name) != names.end();
}

Result<ModelChoice> choose_variant(const Paths& paths, const std::string& wanted, Origin origin) {
  if (wanted == kBuiltinVariant) return builtin_choice(origin);
  auto found = find_variant(installed_variants(paths), wanted);
  if (found) return installed_choice(paths, *found, origin);
  if (found.error().code != ErrorCode::not_found) return std::move(found).error();
  return ModelChoice{Kind::variant, wanted, {}, origin};
}

std::string default_of_manifest(const Paths& paths, const Settings& settings) {
  const auto manifest = load_local_manifest(paths, settings.manifest.value);
  return manifest ? manifest->default_model() : std::string();
}

// Nothing was named, and the manifest is the one that comes with runed.
Result<ModelChoice> choose_among_installed(const Paths& paths, const Settings& settings) {
  const std::vector<std::string> names = installed_variants(paths);
  if (names.empty()) return builtin_choice(Origin::default_value);
  for (const std::string& likely : {Installed::read(paths.installed_file).model_variant,
                                    default_of_manifest(paths, settings)}) {
    if (contains(names, likely)) return installed_choice(paths, likely, Origin::default_value);
  }
  if (names.size() == 1) return installed_choice(paths, names.front(), Origin::default_value);
  return make_error(ErrorCode::bad_config, "several variants are installed and none is chosen: {}",
                    fmt::join(names, ", "))
      .with_hint("name one with RUNED_MODEL_VARIANT, or with model_variant in config.json");
}

// Nothing was named, but a manifest was, and it has a default.
ModelChoice choose_default_of_manifest(const Paths& paths, const Settings& settings) {
  const std::vector<std::string> names = installed_variants(paths);
  const Installed installed = Installed::read(paths.installed_file);
  if (installed.manifest_url == settings.manifest.value &&
      contains(names, installed.model_variant)) {
    return installed_choice(paths, installed.model_variant, Origin::manifest);
  }
  const std::string variant = default_of_manifest(paths, settings);
  if (contains(names, variant)) return installed_choice(paths, variant, Origin::manifest);
  return {Kind::variant, variant, {}, Origin::manifest};
}

}  // namespace

std::string model_path(const Paths& paths, std::string_view variant) {
  return fmt::format("{}/{}{}", paths.models_dir, variant, kExtension);
}

std::vector<std::string> installed_variants(const Paths& paths) {
  std::vector<std::string> names;
  const auto entries = os::list_directory(paths.models_dir);
  if (!entries) return names;
  for (const os::DirectoryEntry& entry : *entries) {
    const bool is_model =
        entry.name.ends_with(kExtension) &&
        os::is_regular_file(os::resolve_links(paths.models_dir + "/" + entry.name));
    if (is_model) names.push_back(entry.name.substr(0, entry.name.size() - kExtension.size()));
  }
  return names;
}

Result<ModelChoice> choose_model(const Paths& paths, const Settings& settings) {
  const auto& variant = settings.model_variant;
  const bool by_variant = variant.value.has_value() && (!settings.model.value.has_value() ||
                                                        variant.origin < settings.model.origin);
  if (by_variant) return choose_variant(paths, *variant.value, variant.origin);
  if (const auto& model = settings.model.value; model.has_value()) {
    if (*model == kBuiltinVariant) return builtin_choice(settings.model.origin);
    if (!os::exists(*model)) {
      return make_error(ErrorCode::model_missing, "there is no model file '{}'", *model)
          .with_hint(fmt::format("the name comes from: {}", name_of(settings.model.origin)));
    }
    return ModelChoice{Kind::file, {}, *model, settings.model.origin};
  }
  if (settings.manifest.origin == Origin::default_value &&
      settings.manifest.value == kBuiltinManifest) {
    return choose_among_installed(paths, settings);
  }
  return choose_default_of_manifest(paths, settings);
}

Status check_installed(const ModelChoice& choice, const Paths& paths) {
  if (choice.is_installed()) return {};
  std::vector<std::string> known = installed_variants(paths);
  known.emplace_back(kBuiltinVariant);
  const bool is_named = !choice.variant.empty();
  const std::string what = is_named ? fmt::format("variant '{}'", choice.variant)
                                    : std::string("the default model of the manifest");
  return make_error(ErrorCode::model_missing, "{} is not installed", what)
      .with_hint(
          fmt::format("there are: {}; 'runed install{}' fetches it, or name a GGUF file with "
                      "RUNED_MODEL",
                      fmt::join(known, ", "), is_named ? " --variant " + choice.variant : ""));
}

}  // namespace runed::bootstrap
