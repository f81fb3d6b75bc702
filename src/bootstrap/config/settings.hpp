#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"
#include "base/result.hpp"
#include "bootstrap/config/environment.hpp"
#include "bootstrap/config/paths.hpp"
#include "bootstrap/config/setting_names.hpp"

namespace runed::bootstrap {

template <typename T>
struct Setting {
  T value{};
  Origin origin = Origin::default_value;
};

/// Which engine is to compute. `auto_select` leaves it to what is installed.
enum class EngineKind { auto_select, native, llama_server };

/// Returns `auto`, `native` or `llama-server`.
std::string_view name_of(EngineKind engine);

/// What a llama-server is tuned for: time, or memory.
enum class LlamaProfile { speed, lowmem };

/// Returns `speed` or `lowmem`.
std::string_view name_of(LlamaProfile profile);

/// The number format of the native engine's matrix products, as embed::native::NumberFormat.
enum class NumberFormat { auto_select, f32, bf16, int16, int8 };

/// Returns `auto`, `f32`, `bf16`, `int16` or `int8`.
std::string_view name_of(NumberFormat compute);

/// The most threads that an engine can be given.
inline constexpr uint32_t kMostThreads = 64;

/// What the command line says, as it was written there. Empty: the flag was not given.
struct SettingFlags {
  std::optional<std::string> model{};          // --model
  std::optional<std::string> model_variant{};  // --variant
  std::optional<std::string> manifest{};       // --manifest
  std::optional<std::string> engine{};         // --engine
  std::optional<std::string> llama_profile{};  // --llama-profile
  std::optional<std::string> idle_timeout{};   // --idle-timeout
  std::optional<std::string> ctx_size{};       // --ctx-size
  std::optional<std::string> cache_mb{};       // --cache-mb
  std::optional<std::string> cpu{};            // --cpu
  std::optional<std::string> compute{};        // --compute
  std::optional<std::string> threads{};        // --threads
  std::optional<std::string> socket{};         // --socket
};

/// What is in force, and why. Paths are absolute.
struct Settings {
  Setting<std::optional<std::string>> llama_server;   // A name without `/` is looked up on PATH.
  Setting<std::optional<std::string>> model;          // A GGUF file, or `builtin:<name>`.
  Setting<std::optional<std::string>> model_variant;  // As in the manifest.
  Setting<std::optional<std::string>> runed_binary;   // What a client starts as the daemon.
  Setting<std::string> manifest;                      // URL; see load_manifest.
  Setting<EngineKind> engine;
  Setting<LlamaProfile> llama_profile;
  Setting<std::chrono::nanoseconds> idle_timeout;  // 0: never suspend.
  Setting<std::optional<uint32_t>> ctx_size;       // Tokens; none: what the model has.
  Setting<uint32_t> cache_mb;                      // MiB of recent vectors; 0: none are kept.
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

/// Formats the settings for `status --json`: `{"engine":{"value":"auto","origin":"default"},…}`.
Json to_json(const Settings& settings);

/// A setting as a text, as a daemon tells it to its clients.
struct SettingText {
  std::string key;
  std::string value;  // Empty for one that is not set.
  Origin origin = Origin::default_value;
};
std::vector<SettingText> to_texts(const Settings& settings);

}  // namespace runed::bootstrap
