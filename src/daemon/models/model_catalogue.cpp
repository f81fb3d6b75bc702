#include "daemon/models/model_catalogue.hpp"

#include <algorithm>
#include <utility>

#include "bootstrap/use/ready_model.hpp"
#include "daemon/models/engine_factory.hpp"
#include "embed/model/model_identity.hpp"
#include "os/file/files.hpp"

namespace runed::daemon {
namespace {

using bootstrap::DeclaredModel;
using bootstrap::ModelChoice;
using bootstrap::Settings;

constexpr std::string_view kExtension = ".gguf";
constexpr const char* kNameless = "default";

ModelDeclaration declare(ModelChoice choice, std::string name) {
  return {.key = key_of(choice), .names = {std::move(name)}, .choice = std::move(choice)};
}

ModelDeclaration declare_builtin(bootstrap::Origin origin) {
  const std::string name(bootstrap::builtin_variant());
  ModelDeclaration builtin = declare(
      {.kind = ModelChoice::Kind::builtin, .variant = name, .path = {}, .origin = origin}, name);
  builtin.names.push_back(name.substr(name.find(':') + 1));
  return builtin;
}

Result<ModelChoice> choose(const bootstrap::Paths& paths, Settings settings,
                           const DeclaredModel& declared) {
  if (declared.path.has_value()) {
    return ModelChoice{.kind = ModelChoice::Kind::file,
                       .variant = {},
                       .path = *declared.path,
                       .origin = bootstrap::Origin::config};
  }
  settings.models = {};  // A variant is meant, whatever is called like it.
  settings.model = {};
  settings.model_variant = {declared.variant, bootstrap::Origin::config};
  return bootstrap::choose_model(paths, settings);
}

void set_keep_alive(const DeclaredModel& declared, ModelDeclaration& declaration) {
  if (!declared.keep_alive.has_value()) return;
  declaration.is_kept = declared.keep_alive->is_always;
  declaration.idle_timeout = std::max(declared.keep_alive->duration, kShortestIdle);
}

// Another name of a model that is listed is the first one, under which it is shown. No name leads to two
// models: that of a variant which config.json gives to another one is that one's.
void add(std::vector<ModelDeclaration>& list, ModelChoice choice, const DeclaredModel& declared) {
  const std::string key = key_of(choice);
  auto listed = std::ranges::find(list, key, &ModelDeclaration::key);
  if (listed == list.end()) {
    list.push_back(declare(std::move(choice), declared.name));
    listed = std::prev(list.end());
  } else {
    listed->names.insert(listed->names.begin(), declared.name);
  }
  set_keep_alive(declared, *listed);
  for (ModelDeclaration& other : list) {
    if (other.key != key) std::erase(other.names, declared.name);
  }
}

}  // namespace

ModelDeclaration ModelCatalogue::default_model(const ModelChoice& choice) const {
  if (choice.kind == ModelChoice::Kind::builtin) return declare_builtin(choice.origin);
  if (choice.kind == ModelChoice::Kind::variant) {
    return declare(choice, choice.variant.empty() ? kNameless : choice.variant);
  }
  std::string name = choice.path.substr(choice.path.rfind('/') + 1);
  if (name.ends_with(kExtension)) name.resize(name.size() - kExtension.size());
  return declare(choice, name.empty() ? kNameless : name);
}

Result<std::vector<ModelDeclaration>> ModelCatalogue::list() const {
  const Settings settings = this->settings();
  // Who asks for it has named it.
  std::vector<ModelDeclaration> list{declare_builtin(bootstrap::Origin::config)};
  TRY_ASSIGN(const auto variants, bootstrap::installed_variants(paths_));
  for (const std::string& variant : variants) {
    list.push_back(declare({.kind = ModelChoice::Kind::variant,
                            .variant = variant,
                            .path = bootstrap::model_path(paths_, variant)},
                           variant));
  }
  for (const DeclaredModel& declared : settings.models.value) {
    TRY_ASSIGN(ModelChoice choice, choose(paths_, settings, declared));
    add(list, std::move(choice), declared);
  }
  std::erase_if(list, [](const ModelDeclaration& each) { return each.names.empty(); });
  return list;
}

Result<ModelDeclaration> ModelCatalogue::look_at_file(
    const std::string& path, const std::function<bool()>& is_ending) const {
  const Settings settings = this->settings();
  const ModelChoice choice{.kind = ModelChoice::Kind::file, .variant = {}, .path = path};
  TRY_ASSIGN(auto listed, list());
  const auto file = os::file_identity(path);
  for (ModelDeclaration& each : listed) {
    if (!file || each.choice.path.empty()) continue;
    const auto other = os::file_identity(each.choice.path);
    if (other && os::is_same_file(*file, *other)) return std::move(each);
  }
  TRY_ASSIGN(const auto model, bootstrap::check_model(paths_, settings, choice,
                                                      {.is_cancelled = is_ending}, inspect_model));
  ModelDeclaration declaration = declare(choice, embed::model_identity(model.sha256));
  declaration.key = "sha256:" + model.sha256;
  declaration.sha256 = model.sha256;
  return declaration;
}

void ModelCatalogue::set_settings(Settings settings) {
  const std::lock_guard lock(mutex_);
  settings_ = std::move(settings);
}

Settings ModelCatalogue::settings() const {
  const std::lock_guard lock(mutex_);
  return settings_;
}

}  // namespace runed::daemon
