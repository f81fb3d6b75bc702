#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/json.hpp"
#include "base/result.hpp"
#include "bootstrap/config/settings.hpp"

namespace runed::bootstrap {

/// What a setting is a property of.
enum class Scope {
  process,  // The daemon as a whole.
  model,    // A model that it serves.
};

/// What a value is. A path is made absolute, so that a daemon that is started elsewhere means the
/// same file.
enum class Meaning {
  word,       // No path.
  path,       // A file.
  directory,  // A directory.
  program,    // A file; a bare name is looked up on PATH.
  model,      // A file; `builtin:` begins a name.
  url,        // A file, where it has no scheme. A password in it is not shown.
};

/// What a command does that names a value which the daemon that runs does not have.
enum class OtherValue {
  refused,      // It fails: its vectors would not be those that were meant.
  noted,        // It says so.
  passed_over,  // Nothing: it is not about the daemon that runs.
};

/// What a value may be in config.json.
enum class ConfigType {
  string,
  number,  // Or a string.
  models,  // An object of declared models, which is read with the file.
};

/// How the value of a setting is reached in Settings. One that is read with config.json has no `read`.
struct SettingAccess {
  Status (*read)(std::string_view text, Origin origin, Settings& settings);  // As its parser does.
  Json (*show)(const Settings& settings);
  Origin (*origin)(const Settings& settings);
};

/// A setting: all that is said of it anywhere. Texts are Markdown. A null stands for nothing.
struct SettingRow {
  const char* key;       // In `status --json`, and in config.json where it can be set there.
  const char* variable;  // In the environment.
  const char* flag;      // Of `serve`.
  const char* flag_value = nullptr;  // What stands for the flag's value in the help.
  bool is_in_config = true;
  ConfigType config_type = ConfigType::string;
  Scope scope = Scope::process;
  OtherValue if_daemon_has_other = OtherValue::noted;
  EngineKind engine = EngineKind::auto_select;  // The only one that it is for; auto_select: both.
  Meaning meaning = Meaning::word;
  std::span<const std::string_view> words{};  // All values that there are; empty: any.
  const char* default_value = nullptr;        // As somebody would write it; null: it is not set.
  const char* default_words = nullptr;        // What is had where it is not set.
  const char* help = nullptr;     // The flag's, and the completions': one line without a full stop.
  const char* text;               // README's and the manual's: sentences. `{words}` are the words.
  const char* details = nullptr;  // What only the manual has: sentences.
  SettingAccess access{};
};

/// Every setting, in the order in which they are shown.
std::span<const SettingRow> setting_rows();

/// What says where the settings are, in the same words. It is found before them, by resolve_paths, and
/// has no value in Settings.
std::span<const SettingRow> place_rows();

/// The row of a setting, or of a place, that there is.
const SettingRow& row_of(std::string_view key);

/// Names the place that a value came from: `--model`, `RUNED_MODEL`, `model in config.json`; of a
/// default the key alone.
std::string place_of(std::string_view key, Origin origin);

}  // namespace runed::bootstrap
