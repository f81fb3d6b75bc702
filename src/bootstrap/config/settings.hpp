#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/json_fwd.hpp"
#include "base/result.hpp"
#include "bootstrap/config/declared_model.hpp"
#include "bootstrap/config/environment.hpp"
#include "bootstrap/config/origin.hpp"
#include "bootstrap/config/paths.hpp"
#include "bootstrap/config/setting_values.hpp"

namespace runed::bootstrap {

template <typename T>
struct Setting {
  T value{};
  Origin origin = Origin::default_value;
};

/// What the command line says of each setting, by its key, as it was written there.
using SettingFlags = std::map<std::string, std::string, std::less<>>;

/// What is in force, and why. Paths are absolute. Each member has a row in setting_table.cpp, which says
/// how it is read and told.
struct Settings {
  Setting<std::optional<std::string>> llama_server;   // A name without `/` is looked up on PATH.
  Setting<std::optional<std::string>> model;  // A GGUF file, a directory, or `builtin:<name>`.
  Setting<std::optional<std::string>> model_variant;  // As in the manifest.
  Setting<std::optional<std::string>> runed_binary;   // What a client starts as the daemon.
  Setting<std::string> manifest;                      // URL; see load_manifest.
  Setting<EngineKind> engine;
  Setting<LlamaProfile> llama_profile;
  Setting<std::chrono::nanoseconds> idle_timeout;  // 0: never suspend.
  Setting<std::optional<uint32_t>> ctx_size;       // Tokens; none: what the model has.
  Setting<uint32_t> cache_mb;                      // MiB of recent vectors; 0: none are kept.
  Setting<std::optional<uint64_t>> memory_budget;  // Bytes; none: half of what is free at start.
  Setting<std::vector<DeclaredModel>> models;      // Sorted by name; of config.json only.
  Setting<std::optional<std::string>> cpu;         // Instruction set to use; none: the best.
  Setting<NumberFormat> compute;                   // llama-server decides for itself.
  Setting<std::optional<uint32_t>> threads;        // 1..kMostThreads; none: as many as CPUs.
  Setting<std::string> socket;                     // As os::resolve_socket_path takes it.
};

/// Loads every setting: flag over environment over config.json over default. An empty variable
/// counts as unset. A config.json that RUNED_CONFIG names must exist, the default one need not. In a
/// path `~/` is the user's home; a relative one in config.json starts in that file's directory, any
/// other one in the working directory.
/// Errors: usage, for a flag, also an empty one, or bad_config, naming where the wrong value is.
Result<Settings> load_settings(const Paths& paths, const Environment& environment,
                               const SettingFlags& flags);

/// The settings as far as they can be had: one with a wrong value has its default, and is named by
/// a fault. For what must work all the same.
struct SettingsFound {
  Settings settings;
  std::vector<Error> faults;  // As those of load_settings; empty if nothing is wrong.
};
SettingsFound find_settings(const Paths& paths, const Environment& environment,
                            const SettingFlags& flags);

/// Formats the settings for `status --json`, in the order of the table: `{"engine":{"value":"auto","origin":"default"},…}`.
Json to_json(const Settings& settings);

/// A setting as a text, as a daemon tells it to its clients.
struct SettingText {
  std::string key;
  std::string value;  // Empty for one that is not set.
  Origin origin = Origin::default_value;
};
std::vector<SettingText> to_texts(const Settings& settings);

}  // namespace runed::bootstrap
