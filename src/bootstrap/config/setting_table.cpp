#include "bootstrap/config/setting_table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/check.hpp"

namespace runed::bootstrap {
namespace {

// The access to a member of Settings whose values `parse` makes of texts.
template <auto member, auto parse>
constexpr SettingAccess access() {
  return {
      .read = [](std::string_view text, Origin origin, Settings& settings) -> Status {
        TRY_ASSIGN(auto value, parse(text));
        settings.*member = {std::move(value), origin};
        return {};
      },
      .show = [](const Settings& settings) { return show_value((settings.*member).value); },
      .origin = [](const Settings& settings) { return (settings.*member).origin; },
  };
}

constexpr std::array kPlaces{
    SettingRow{
        .key = "home",
        .variable = "RUNED_HOME",
        .flag = "--home",
        .flag_value = "DIR",
        .is_in_config = false,
        .meaning = Meaning::directory,
        .default_value = "~/.runed",
        .help = "Data directory",
        .text = "The data directory. A flag of every command.",
    },
    SettingRow{
        .key = "config",
        .variable = "RUNED_CONFIG",
        .flag = nullptr,
        .is_in_config = false,
        .meaning = Meaning::path,
        .default_words = "config.json in the data directory",
        .text = "The configuration file.",
    },
};

constexpr std::array kSettings{
    SettingRow{
        .key = "engine",
        .variable = "RUNED_ENGINE",
        .flag = "--engine",
        .flag_value = "NAME",
        .scope = Scope::model,
        .if_daemon_has_other = OtherValue::refused,
        .words = kEngineNames,
        .default_value = "auto",
        .help = "What computes",
        .text = "What computes: {words}; see [The two engines](#the-two-engines).",
        .details = "With `native` `runed install` leaves `llama-server` out.",
        .access = access<&Settings::engine, parse_engine>(),
    },
    SettingRow{
        .key = "model",
        .variable = "RUNED_MODEL",
        .flag = "--model",
        .flag_value = "FILE",
        .scope = Scope::model,
        .if_daemon_has_other = OtherValue::refused,
        .meaning = Meaning::model,
        .help = "Serve this GGUF or directory, or the model of this name",
        .text =
            "The model to serve: a GGUF file, a Hugging Face directory, a name that `models` in "
            "`config.json` gives one, or a variant. `builtin:NAME` is the model in the "
            "executable.",
        .details = "What has a `/` or ends in `.gguf` is a path, anything else a name. Of a model "
                   "and a variant the one named in the stronger place counts, and the model if the "
                   "places are equal.",
        .access = access<&Settings::model, parse_text>(),
    },
    SettingRow{
        .key = "model_variant",
        .variable = "RUNED_MODEL_VARIANT",
        .flag = "--variant",
        .flag_value = "NAME",
        .scope = Scope::model,
        .if_daemon_has_other = OtherValue::refused,
        .help = "Serve this variant",
        .text = "The variant to serve and to install: a model of the manifest or of `models/`, by "
                "its name or the name's last part (`q8_0`).",
        .details =
            "In `models/` the name is that of the file without `.gguf`. The last part, after "
            "a dot, is enough if only one has it: `q8_0` means `qwen3-embedding-0.6b.q8_0`. "
            "The daemon fetches it if it is not there. `builtin:NAME` is the model in "
            "the executable.",
        .access = access<&Settings::model_variant, parse_text>(),
    },
    SettingRow{
        .key = "manifest",
        .variable = "RUNED_MANIFEST",
        .flag = "--manifest",
        .flag_value = "URL",
        .meaning = Meaning::url,
        .default_value = RUNED_DEFAULT_MANIFEST_URL,
        .help = "Fetch what is missing from it",
        .text = "The manifest, which says what can be installed and where it is fetched from: an "
                "`https://` URL, a file, or `builtin:` for the one in the executable.",
        .details = "A file is given by its path or as `file:///`. With `http://` whoever is on the "
                   "way can change which files are trusted; a warning says so. A `runed` may be "
                   "built with another default.",
        .access = access<&Settings::manifest, parse_text>(),
    },
    SettingRow{
        .key = "llama_server",
        .variable = "RUNED_LLAMA_SERVER",
        .flag = nullptr,
        .if_daemon_has_other = OtherValue::refused,
        .meaning = Meaning::program,
        .default_words = "the installed one",
        .text = "A `llama-server` of your own, by its path or its name on PATH: it is then the "
                "engine, and none is installed.",
        .details =
            "It is not the engine if that is to be `native`. A name without a slash is looked "
            "up in the absolute directories of `PATH`. A script that wraps it must end with "
            "`exec llama-server \"$@\"`, since the process that was started is the one that "
            "is watched and ended.",
        .access = access<&Settings::llama_server, parse_text>(),
    },
    SettingRow{
        .key = "llama_profile",
        .variable = "RUNED_LLAMA_PROFILE",
        .flag = "--llama-profile",
        .flag_value = "NAME",
        .scope = Scope::model,
        .engine = EngineKind::llama_server,
        .words = kLlamaProfileNames,
        .default_value = "speed",
        .help = "What llama-server is tuned for",
        .text = "What `llama-server` is tuned for: `speed`, or `lowmem` for less memory and more "
                "time. The native engine ignores it.",
        .access = access<&Settings::llama_profile, parse_llama_profile>(),
    },
    SettingRow{
        .key = "runed_binary",
        .variable = nullptr,
        .flag = nullptr,
        .if_daemon_has_other = OtherValue::passed_over,
        .meaning = Meaning::program,
        .default_words = "the one that runs",
        .text = "The executable that is started as the daemon on demand.",
        .access = access<&Settings::runed_binary, parse_text>(),
    },
    SettingRow{
        .key = "idle_timeout",
        .variable = "RUNED_IDLE_TIMEOUT",
        .flag = "--idle-timeout",
        .flag_value = "DURATION",
        .default_value = "10m",
        .help = "Give memory back after this long; 0: never",
        .text = "How long after the last embedding call the model's memory is given back, such as "
                "`30s` or `1h30m`; `0` is never.",
        .details =
            "A duration is in Go's syntax: numbers with the units h, m, s, ms, us or ns. One "
            "below 0 is never, too.",
        .access = access<&Settings::idle_timeout, parse_idle_timeout>(),
    },
    SettingRow{
        .key = "ctx_size",
        .variable = "RUNED_CTX_SIZE",
        .flag = "--ctx-size",
        .flag_value = "TOKENS",
        .is_in_config = false,
        .scope = Scope::model,
        .default_words = "the model's",
        .help = "Most tokens of a text",
        .text = "Most tokens of a text, if less than the model's context length.",
        .access = access<&Settings::ctx_size, parse_ctx_size>(),
    },
    SettingRow{
        .key = "cpu",
        .variable = "RUNED_CPU",
        .flag = "--cpu",
        .flag_value = "NAME",
        .is_in_config = false,
        .engine = EngineKind::native,
        .words = kInstructionSetNames,
        .default_words = "the best there is",
        .help = "Instruction set to compute with",
        .text = "Instruction set that the native engine computes with: {words}. `llama-server` "
                "ignores it.",
        .details = "One that the machine does not have is refused when the engine is made.",
        .access = access<&Settings::cpu, parse_text>(),
    },
    SettingRow{
        .key = "compute",
        .variable = "RUNED_COMPUTE",
        .flag = "--compute",
        .flag_value = "MODE",
        .scope = Scope::model,
        .engine = EngineKind::native,
        .words = kNumberFormatNames,
        .default_value = "auto",
        .help = "Number format of the products",
        .text = "Number format in which the native engine computes products: {words}; see "
                "[Compute modes](#compute-modes). `llama-server` decides for itself.",
        .details = "One that the instruction set does not have is refused.",
        .access = access<&Settings::compute, parse_compute>(),
    },
    SettingRow{
        .key = "threads",
        .variable = "RUNED_THREADS",
        .flag = "--threads",
        .flag_value = "N",
        .config_type = ConfigType::number,
        .default_words = "the CPUs there are",
        .help = "Compute with so many, up to 64",
        .text = "Threads that either engine computes with, from 1 to 64.",
        .details = "CPUs are counted by the affinity of the daemon and the quota of its cgroup.",
        .access = access<&Settings::threads, parse_threads>(),
    },
    SettingRow{
        .key = "cache_mb",
        .variable = "RUNED_CACHE_MB",
        .flag = "--cache-mb",
        .flag_value = "MIB",
        .config_type = ConfigType::number,
        .default_value = "32",
        .help = "Keep MiB of recent vectors; 0: none",
        .text = "MiB of memory for the vectors of texts embedded of late: one that is asked for "
                "again, by whomever, costs no computation. `0` keeps none.",
        .details = "It is taken as vectors come, and given back with the model's memory.",
        .access = access<&Settings::cache_mb, parse_cache_mb>(),
    },
    SettingRow{
        .key = "memory_budget",
        .variable = "RUNED_MEMORY_BUDGET",
        .flag = "--memory-budget",
        .flag_value = "SIZE",
        .config_type = ConfigType::number,
        .default_words = "half of what is free",
        .help = "Memory for all models together",
        .text =
            "Memory that all loaded models may take together, such as `600MiB`, `2GiB`, `500MB` "
            "or a number of bytes. At least one model is always loaded.",
        .details =
            "What is free is what the cgroup or the machine has free when the daemon starts. "
            "Where the budget is short, the model gives its memory back that was used the "
            "longest ago and that nobody waits for.",
        .access = access<&Settings::memory_budget, parse_memory_budget>(),
    },
    SettingRow{
        .key = "models",
        .variable = nullptr,
        .flag = nullptr,
        .config_type = ConfigType::models,
        .default_words = "none",
        .text = "Models that are served by a name of their own, beside the default one; see "
                "[Declared models](#declared-models).",
        .access = {.read = nullptr,
                   .show = [](const Settings& settings) { return to_json(settings.models.value); },
                   .origin = [](const Settings& settings) { return settings.models.origin; }},
    },
    SettingRow{
        .key = "socket",
        .variable = "RUNED_SOCKET",
        .flag = "--socket",
        .flag_value = "PATH",
        .if_daemon_has_other = OtherValue::passed_over,
        .meaning = Meaning::path,
        .default_words = "embedding.sock in the data directory",
        .help = "Socket of the daemon",
        .text = "Where the daemon listens. A flag of every command.",
        .access = access<&Settings::socket, parse_text>(),
    },
};

}  // namespace

std::span<const SettingRow> setting_rows() {
  return kSettings;
}

std::span<const SettingRow> place_rows() {
  return kPlaces;
}

const SettingRow& row_of(std::string_view key) {
  for (const auto rows : {setting_rows(), place_rows()}) {
    const auto found =
        std::ranges::find_if(rows, [key](const SettingRow& row) { return row.key == key; });
    if (found != rows.end()) return *found;
  }
  check_failed("the setting is in the table", __FILE__, __LINE__);
}

std::string place_of(std::string_view key, Origin origin) {
  const SettingRow& row = row_of(key);
  if (origin == Origin::flag && row.flag != nullptr) return row.flag;
  if (origin == Origin::environment && row.variable != nullptr) return row.variable;
  if (origin == Origin::config) return fmt::format("{} in config.json", key);
  return row.key;
}

}  // namespace runed::bootstrap
