#include "bootstrap/settings.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <vector>

#include "base/duration.hpp"
#include "base/text.hpp"
#include "bootstrap/config_file.hpp"
#include "bootstrap/manifest_source.hpp"
#include "bootstrap/url.hpp"
#include "os/files.hpp"

namespace runed::bootstrap {
namespace {

using OptionalText = std::optional<std::string>;

constexpr std::chrono::nanoseconds kDefaultIdleTimeout = std::chrono::minutes(10);
constexpr uint32_t kDefaultCacheMb = 32;
constexpr uint32_t kMostCacheMb = 1 << 20;  // A TiB.
constexpr std::array kEngines{Engine::auto_select, Engine::native, Engine::llama_server};
constexpr std::array kLlamaProfiles{LlamaProfile::speed, LlamaProfile::lowmem};
constexpr std::array kComputes{Compute::auto_select, Compute::f32, Compute::bf16, Compute::int16,
                               Compute::int8};

// The names of one setting. Null: it cannot be set there.
struct Names {
  const char* flag;
  const char* variable;
  const char* key;
};

// A value as it was written, and what an error calls the place.
struct Found {
  std::string text;
  Origin origin;
  std::string place;
};

struct Sources {
  const Environment& environment;
  ConfigFile config;

  std::optional<Found> find(const Names& names, const OptionalText& flag) const {
    if (flag.has_value()) return Found{*flag, Origin::flag, names.flag};
    if (names.variable != nullptr) {
      if (auto text = find_variable(environment, names.variable)) {
        return Found{*std::move(text), Origin::environment, names.variable};
      }
    }
    if (names.key != nullptr) {
      if (auto text = config.find(names.key)) {
        const std::string place = fmt::format("cannot use '{}': {}", config.path, names.key);
        return Found{*std::move(text), Origin::config, place};
      }
    }
    return std::nullopt;
  }
};

// The value found, turned by `parse` into a Result of the setting's type; or its default.
template <typename T, typename Parse>
Result<Setting<T>> to_setting(const std::optional<Found>& found, T default_value, Parse parse) {
  if (!found.has_value()) return Setting<T>{std::move(default_value), Origin::default_value};
  auto value = parse(found->text);
  if (!value.has_value()) {
    Error error = std::move(value).error();
    error.code = found->origin == Origin::flag ? ErrorCode::usage : ErrorCode::bad_config;
    error.message = fmt::format("{}: {}", found->place, error.message);
    return error;
  }
  return Setting<T>{*std::move(value), found->origin};
}

Setting<OptionalText> to_text(const std::optional<Found>& found) {
  if (!found.has_value()) return {};
  return {found->text, found->origin};
}

// Absolute, so that a daemon started elsewhere means the same file. Not a bare program name, which
// is for PATH, nor `builtin:`.
Setting<OptionalText> to_program(const std::optional<Found>& found) {
  Setting<OptionalText> setting = to_text(found);
  if (setting.value.has_value() && setting.value->find('/') != std::string::npos) {
    setting.value = os::absolute_path(*setting.value);
  }
  return setting;
}

Setting<OptionalText> to_model(const std::optional<Found>& found) {
  Setting<OptionalText> setting = to_text(found);
  if (setting.value.has_value() && !setting.value->starts_with("builtin:")) {
    setting.value = os::absolute_path(*setting.value);
  }
  return setting;
}

Result<std::chrono::nanoseconds> parse_idle_timeout(std::string_view text) {
  TRY_ASSIGN(const std::chrono::nanoseconds timeout, parse_duration(text));
  return std::max(timeout, std::chrono::nanoseconds{0});
}

// One of an enumeration's values, by its name. `what` is what they are, for the error.
template <typename Choices>
Result<typename Choices::value_type> parse_choice(const Choices& choices, std::string_view what,
                                                  std::string_view text) {
  std::vector<std::string> names;
  for (const auto choice : choices) {
    if (name_of(choice) == text) return choice;
    names.emplace_back(name_of(choice));
  }
  Error error = make_error(ErrorCode::invalid_argument, "unknown {} '{}'", what, text);
  const OptionalText nearest = find_nearest(text, names);
  return std::move(error).with_hint(nearest.has_value()
                                        ? fmt::format("did you mean '{}'?", *nearest)
                                        : fmt::format("one of {}", fmt::join(names, ", ")));
}

Result<Engine> parse_engine(std::string_view text) {
  return parse_choice(kEngines, "engine", text);
}

Result<LlamaProfile> parse_llama_profile(std::string_view text) {
  return parse_choice(kLlamaProfiles, "profile", text);
}

Result<Compute> parse_compute(std::string_view text) {
  return parse_choice(kComputes, "compute mode", text);
}

std::optional<uint32_t> find_number(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  uint32_t number = 0;
  const char* end = text.data() + text.size();
  const auto [rest, fault] = std::from_chars(text.data(), end, number);
  if (fault != std::errc{} || rest != end) return std::nullopt;
  return number;
}

Result<std::optional<uint32_t>> parse_ctx_size(std::string_view text) {
  const auto tokens = find_number(text);
  if (tokens.value_or(0) > 0) return tokens;
  return make_error(ErrorCode::invalid_argument, "invalid number of tokens '{}'", text)
      .with_hint("write a whole number above 0, such as 2048");
}

Result<std::optional<uint32_t>> parse_threads(std::string_view text) {
  const auto threads = find_number(text);
  if (threads.has_value() && *threads >= 1 && *threads <= kMostThreads) return threads;
  return make_error(ErrorCode::invalid_argument, "invalid number of threads '{}'", text)
      .with_hint(fmt::format("write a whole number from 1 to {}", kMostThreads));
}

Result<uint32_t> parse_cache_mb(std::string_view text) {
  const auto mb = find_number(text);
  if (mb.has_value() && *mb <= kMostCacheMb) return *mb;
  return make_error(ErrorCode::invalid_argument, "invalid number of MiB '{}'", text)
      .with_hint(fmt::format("write a whole number from 0, which keeps none, to {}", kMostCacheMb));
}

// What has no scheme is a file.
Result<std::string> parse_manifest_url(std::string_view text) {
  const std::string url(text);
  return url.find(':') == std::string::npos ? os::absolute_path(url) : url;
}

Result<std::string> parse_socket(std::string_view text) {
  return os::absolute_path(std::string(text));
}

template <typename T, typename Format>
Json entry(const Setting<T>& setting, Format format) {
  return {{"value", format(setting.value)}, {"origin", name_of(setting.origin)}};
}

// A value that may be missing is then null.
template <typename T>
Json entry(const Setting<std::optional<T>>& setting) {
  return entry(setting, [](const std::optional<T>& value) {
    return value.has_value() ? Json(*value) : Json(nullptr);
  });
}

}  // namespace

std::string_view name_of(Origin origin) {
  switch (origin) {
    case Origin::flag:
      return "flag";
    case Origin::environment:
      return "environment";
    case Origin::config:
      return "config";
    case Origin::manifest:
      return "manifest";
    case Origin::default_value:
      break;
  }
  return "default";
}

std::string_view name_of(Engine engine) {
  switch (engine) {
    case Engine::native:
      return "native";
    case Engine::llama_server:
      return "llama-server";
    case Engine::auto_select:
      break;
  }
  return "auto";
}

std::string_view name_of(LlamaProfile profile) {
  return profile == LlamaProfile::speed ? "speed" : "lowmem";
}

std::string_view name_of(Compute compute) {
  switch (compute) {
    case Compute::f32:
      return "f32";
    case Compute::bf16:
      return "bf16";
    case Compute::int16:
      return "int16";
    case Compute::int8:
      return "int8";
    case Compute::auto_select:
      break;
  }
  return "auto";
}

Result<Settings> load_settings(const Paths& paths, const Environment& environment,
                               const SettingFlags& flags) {
  const bool named = find_variable(environment, "RUNED_CONFIG").has_value();
  TRY_ASSIGN(ConfigFile config,
             read_config_file(paths.config_file, named ? Presence::required : Presence::optional));
  const Sources from{environment, std::move(config)};
  Settings settings;
  settings.llama_server =
      to_program(from.find({nullptr, "RUNED_LLAMA_SERVER", "llama_server"}, {}));
  settings.model = to_model(from.find({"--model", "RUNED_MODEL", "model"}, flags.model));
  settings.model_variant = to_text(
      from.find({"--variant", "RUNED_MODEL_VARIANT", "model_variant"}, flags.model_variant));
  TRY_ASSIGN(settings.manifest,
             to_setting(from.find({"--manifest", "RUNED_MANIFEST", "manifest"}, flags.manifest),
                        default_manifest_url(), parse_manifest_url));
  settings.runed_binary = to_program(from.find({nullptr, nullptr, "runed_binary"}, std::nullopt));
  settings.cpu = to_text(from.find({"--cpu", "RUNED_CPU", nullptr}, flags.cpu));
  TRY_ASSIGN(settings.compute,
             to_setting(from.find({"--compute", "RUNED_COMPUTE", "compute"}, flags.compute),
                        Compute::auto_select, parse_compute));
  TRY_ASSIGN(settings.threads,
             to_setting(from.find({"--threads", "RUNED_THREADS", "threads"}, flags.threads),
                        std::optional<uint32_t>{}, parse_threads));
  TRY_ASSIGN(settings.engine,
             to_setting(from.find({"--engine", "RUNED_ENGINE", "engine"}, flags.engine),
                        Engine::auto_select, parse_engine));
  TRY_ASSIGN(settings.llama_profile,
             to_setting(from.find({"--llama-profile", "RUNED_LLAMA_PROFILE", "llama_profile"},
                                  flags.llama_profile),
                        LlamaProfile::speed, parse_llama_profile));
  TRY_ASSIGN(settings.idle_timeout,
             to_setting(from.find({"--idle-timeout", "RUNED_IDLE_TIMEOUT", "idle_timeout"},
                                  flags.idle_timeout),
                        kDefaultIdleTimeout, parse_idle_timeout));
  TRY_ASSIGN(settings.ctx_size,
             to_setting(from.find({"--ctx-size", "RUNED_CTX_SIZE", nullptr}, flags.ctx_size),
                        std::optional<uint32_t>{}, parse_ctx_size));
  TRY_ASSIGN(settings.cache_mb,
             to_setting(from.find({"--cache-mb", "RUNED_CACHE_MB", "cache_mb"}, flags.cache_mb),
                        kDefaultCacheMb, parse_cache_mb));
  TRY_ASSIGN(settings.socket,
             to_setting(from.find({"--socket", "RUNED_SOCKET", "socket"}, flags.socket),
                        paths.socket, parse_socket));
  return settings;
}

Json to_json(const Settings& settings) {
  const auto format_timeout = [](std::chrono::nanoseconds value) { return format_duration(value); };
  const auto format_name = [](auto choice) { return name_of(choice); };
  const auto format_url = [](const std::string& url) { return display_url(url); };
  const auto format_text = [](const std::string& text) { return text; };
  const auto format_number = [](uint32_t number) { return number; };
  return {
      {"engine", entry(settings.engine, format_name)},
      {"model", entry(settings.model)},
      {"model_variant", entry(settings.model_variant)},
      {"manifest", entry(settings.manifest, format_url)},
      {"llama_server", entry(settings.llama_server)},
      {"llama_profile", entry(settings.llama_profile, format_name)},
      {"runed_binary", entry(settings.runed_binary)},
      {"idle_timeout", entry(settings.idle_timeout, format_timeout)},
      {"ctx_size", entry(settings.ctx_size)},
      {"cpu", entry(settings.cpu)},
      {"compute", entry(settings.compute, format_name)},
      {"threads", entry(settings.threads)},
      {"cache_mb", entry(settings.cache_mb, format_number)},
      {"socket", entry(settings.socket, format_text)},
  };
}

}  // namespace runed::bootstrap
