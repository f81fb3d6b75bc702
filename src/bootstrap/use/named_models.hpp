#pragma once

#include <optional>
#include <string>
#include <vector>

#include "bootstrap/config/paths.hpp"
#include "bootstrap/config/settings.hpp"

namespace runed::bootstrap {

/// A place that names a model: a flag, a variable, or a key of config.json.
struct NamedModel {
  std::string place;                     // `models.notes in config.json`.
  std::optional<std::string> variant{};  // In full or its last part.
  std::optional<std::string> path{};     // Of a file.
};

/// Lists the places that name a model, not only the one that wins now: another shell, or the next boot,
/// may see it otherwise.
std::vector<NamedModel> named_models(const Paths& paths, const Settings& settings);

/// Tells whether it is this variant that is named: in full, by its last part, or by the path of its file.
bool is_named(const NamedModel& named, const Paths& paths, const std::string& variant);

}  // namespace runed::bootstrap
