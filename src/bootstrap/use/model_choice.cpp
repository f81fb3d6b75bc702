#include "bootstrap/use/model_choice.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "bootstrap/config/setting_table.hpp"
#include "bootstrap/install/installed.hpp"
#include "bootstrap/manifest/manifest_source.hpp"
#include "os/file/files.hpp"
#include "os/file/regular_file.hpp"

namespace runed::bootstrap {
namespace {

using Kind = ModelChoice::Kind;

ModelChoice installed_choice(const Paths& paths, const std::string& variant, Origin origin) {
  return {Kind::variant, variant, model_path(paths, variant), origin};
}

ModelChoice builtin_choice(Origin origin) {
  return {Kind::builtin, builtin_variant(), {}, origin};
}

bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::ranges::find(names, name) != names.end();
}

Result<ModelChoice> choose_variant(const Paths& paths, const std::string& wanted, Origin origin) {
  if (wanted == builtin_variant() || fmt::format("builtin:{}", wanted) == builtin_variant()) {
    return builtin_choice(origin);
  }
  TRY_ASSIGN(auto names, named_variants(paths));
  // What was installed is meant even while its file is gone: not another of the same last part.
  TRY_ASSIGN(const Installed installed, Installed::load(paths.installed_file));
  for (const auto& [name, artifact] : installed.variants) {
    if (!contains(names, name)) names.push_back(name);
  }
  std::ranges::sort(names);
  auto found = find_variant(names, wanted);
  if (!found && found.error().code != ErrorCode::not_found) return std::move(found).error();
  if (!found) return ModelChoice{Kind::variant, wanted, {}, origin};
  if (is_model_there(model_path(paths, *found))) return installed_choice(paths, *found, origin);
  return ModelChoice{Kind::variant, *found, {}, origin};
}

Result<ModelChoice> choose_file(const std::string& path, Origin origin) {
  if (const auto file = os::file_identity(path); !file) {
    const bool is_absent = file.error().code == ErrorCode::not_found;
    return make_error(ErrorCode::model_missing, "{}",
                      is_absent ? fmt::format("there is no model file '{}'", path)
                                : "cannot use the model: " + file.error().message)
        .with_hint(fmt::format("{} names it: correct the path, or leave it out",
                               place_of("model", origin)));
  }
  return ModelChoice{Kind::file, {}, path, origin};
}

// A name of config.json's, or else that of a variant.
Result<ModelChoice> choose_by_name(const Paths& paths, const Settings& settings,
                                   const std::string& name, Origin origin) {
  const auto& declared = settings.models.value;
  const auto found = std::ranges::find(declared, name, &DeclaredModel::name);
  if (found == declared.end()) return choose_variant(paths, name, origin);
  if (found->path.has_value()) return choose_file(*found->path, origin);
  return choose_variant(paths, *found->variant, origin);
}

std::string default_of_manifest(const Paths& paths, const Settings& settings) {
  const auto manifest = load_local_manifest(paths, settings.manifest.value);
  return manifest ? manifest->default_model() : std::string();
}

// What no manifest has cannot be fetched; one that is not here may have it.
bool can_be_fetched(const Paths& paths, const Settings& settings, const std::string& variant) {
  const auto manifest = load_local_manifest(paths, settings.manifest.value);
  return !manifest || contains(manifest->variants(), variant);
}

// The variant that counts where none is named. It was chosen, so no other one answers in its place.
Result<ModelChoice> choose_present(const Paths& paths, const Settings& settings,
                                   const std::string& variant, std::string_view why) {
  const std::string path = model_path(paths, variant);
  if (is_model_there(path)) return installed_choice(paths, variant, Origin::default_value);
  const auto file = os::file_identity(path);
  const std::string fault = file ? fmt::format("'{}': {}", path, os::find_fault_of_kind(path))
                                 : file.error().message;
  return make_error(ErrorCode::model_missing, "{} is {}, and its file is not there: {}", why,
                    variant, fault)
      .with_hint(
          fmt::format("put the file back (is a disk not mounted?){}, or name another model with "
                      "RUNED_MODEL_VARIANT; {} is always there",
                      can_be_fetched(paths, settings, variant)
                          ? fmt::format(", or fetch it with 'runed install --variant {}'", variant)
                          : "",
                      builtin_variant()));
}

// Nothing was named, and the manifest is the one that comes with runed.
Result<ModelChoice> choose_among_installed(const Paths& paths, const Settings& settings) {
  TRY_ASSIGN(const Installed installed, Installed::load(paths.installed_file));
  if (!installed.model_variant.empty()) {
    return choose_present(paths, settings, installed.model_variant,
                          "the default of installed.json");
  }
  TRY_ASSIGN(std::vector<std::string> names, named_variants(paths));
  std::erase_if(names, [&installed](const std::string& name) {
    const auto entry = installed.variants.find(name);
    return entry != installed.variants.end() && entry->second.is_reranker;
  });
  if (names.empty()) return builtin_choice(Origin::default_value);
  const std::string likely = default_of_manifest(paths, settings);
  if (contains(names, likely))
    return choose_present(paths, settings, likely, "the model in models/");
  if (names.size() == 1)
    return choose_present(paths, settings, names.front(), "the only model in models/");
  return make_error(ErrorCode::bad_config, "several variants are installed and none is chosen: {}",
                    join_names(names))
      .with_hint("name one with RUNED_MODEL_VARIANT, or with model_variant in config.json");
}

// Nothing was named, but a manifest was, and it has a default. What installed.json has as the default
// comes first, if it came from there, and is fetched again if its file is gone.
Result<ModelChoice> choose_default_of_manifest(const Paths& paths, const Settings& settings) {
  TRY_ASSIGN(const Installed installed, Installed::load(paths.installed_file));
  const bool was_installed = installed.manifest_url == settings.manifest.value;
  const std::string variant = was_installed && !installed.model_variant.empty()
                                  ? installed.model_variant
                                  : default_of_manifest(paths, settings);
  if (!variant.empty() && is_model_there(model_path(paths, variant))) {
    return installed_choice(paths, variant, Origin::manifest);
  }
  return ModelChoice{Kind::variant, variant, {}, Origin::manifest};
}

}  // namespace

Result<ModelChoice> choose_model(const Paths& paths, const Settings& settings) {
  const auto& variant = settings.model_variant;
  const bool by_variant = variant.value.has_value() && (!settings.model.value.has_value() ||
                                                        variant.origin < settings.model.origin);
  if (by_variant) return choose_by_name(paths, settings, *variant.value, variant.origin);
  if (const auto& model = settings.model.value; model.has_value()) {
    return is_model_path(*model)
               ? choose_file(*model, settings.model.origin)
               : choose_by_name(paths, settings, *model, settings.model.origin);
  }
  if (settings.manifest.origin == Origin::default_value &&
      settings.manifest.value == kBuiltinManifest) {
    return choose_among_installed(paths, settings);
  }
  return choose_default_of_manifest(paths, settings);
}

Status check_installed(const ModelChoice& choice, const Paths& paths, const Settings& settings) {
  if (choice.is_installed()) return {};
  TRY_ASSIGN(std::vector<std::string> known, installed_variants(paths));
  known.emplace_back(builtin_variant());
  if (choice.variant.empty()) {
    return make_error(ErrorCode::model_missing,
                      "the default model of the manifest is not installed")
        .with_hint(
            fmt::format("there are: {}; 'runed install' fetches it, or name a GGUF file with "
                        "RUNED_MODEL",
                        join_names(known)));
  }
  Error error = make_error(ErrorCode::model_missing, "variant '{}' is not installed",
                           printable(choice.variant));
  // What no manifest has cannot be fetched.
  const auto manifest = load_local_manifest(paths, settings.manifest.value);
  std::vector<std::string> names = manifest ? manifest->variants() : std::vector<std::string>();
  if (manifest && !find_variant(names, choice.variant)) {
    for (const std::string& name : known) {
      if (!contains(names, name)) names.push_back(name);
    }
    return std::move(error).with_hint(advise_variant(names, choice.variant));
  }
  return std::move(error).with_hint(fmt::format(
      "there are: {}; 'runed install --variant {}' fetches it, or name a GGUF file with "
      "RUNED_MODEL",
      join_names(known), choice.variant));
}

}  // namespace runed::bootstrap
