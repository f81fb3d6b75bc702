#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace runed::bootstrap {

/// Where a value came from, the strongest first.
enum class Origin { flag, environment, config, manifest, default_value };

/// Returns `flag`, `environment`, `config`, `manifest` or `default`.
std::string_view name_of(Origin origin);

/// Finds the origin with this name.
std::optional<Origin> find_origin(std::string_view name);

/// The names of one setting.
struct SettingNames {
  const char* key;       // In `status --json`, and in config.json where it can be set there.
  const char* flag;      // Null: it has none.
  const char* variable;  // Null: it has none.
  bool is_in_config;
};

/// Every setting, in the order in which they are shown.
std::span<const SettingNames> setting_names();

/// The names of a setting that there is.
const SettingNames& names_of_setting(std::string_view key);

/// Names the place that a value came from: `--model`, `RUNED_MODEL`, `model in config.json`; of a
/// default the key alone.
std::string place_of(std::string_view key, Origin origin);

}  // namespace runed::bootstrap
