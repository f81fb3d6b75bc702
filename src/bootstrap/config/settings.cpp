#include "bootstrap/config/settings.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>
#include <vector>

#include "base/duration.hpp"
#include "base/text.hpp"
#include "bootstrap/config/config_file.hpp"
#include "bootstrap/fetch/url.hpp"
#include "bootstrap/manifest/manifest_source.hpp"
#include "os/file/files.hpp"

namespace runed::bootstrap {
namespace {

using OptionalText = std::optional<std::string>;

constexpr std::chrono::nanoseconds kDefaultIdleTimeout = std::chrono::minutes(10);
constexpr uint32_t kDefaultCacheMb = 32;
constexpr uint32_t kMostCacheMb = 1 << 20;  // A TiB.
constexpr std::array kEngines{EngineKind::auto_select, EngineKind::native,
                              EngineKind::llama_server};
constexpr std::array kLlamaProfiles{LlamaProfile::speed, LlamaProfile::lowmem};
constexpr std::array kComputes{NumberFormat::auto_select, NumberFormat::f32, NumberFormat::bf16,
                               NumberFormat::int16, NumberFormat::int8};

// A value as it was written, and what an error calls the place.
struct Found {
  std::string text;
  Origin origin;
  std::string place;
};

// What is made absolute in a value, so that a daemon that is started elsewhere means the same file.
enum class Meaning {
  word,     // Nothing.
  path,     // All of it.
  program,  // A bare name is looked up on PATH.
  model,    // `builtin:` begins a name.
  url,      // What has no scheme is a file.
};

bool is_path(const std::string& text, Meaning meaning) {
  switch (meaning) {
    case Meaning::word:
      return false;
    case Meaning::program:
      return text.find('/') != std::string::npos;
    case Meaning::model:
      return !text.starts_with("builtin:");
    case Meaning::url:
      return text.find(':') == std::string::npos;
    case Meaning::path:
      break;
  }
  return true;
}

// Where values are looked for, in the order of their strength.
struct Sources {
  const Environment& environment;
  ConfigFile config;

  Result<std::optional<Found>> find(const char* key, const OptionalText& flag,
                                    Meaning meaning = Meaning::word) const {
    const SettingNames& names = names_of_setting(key);
    // `--variant "$UNSET"` must not be taken for no word at all.
    if (flag.has_value() && flag->empty()) {
      return make_error(ErrorCode::usage, "{}: the value is empty", names.flag)
          .with_hint("give a value, or leave the flag out");
    }
    auto found = find_text(names, flag);
    if (found.has_value() && is_path(found->text, meaning)) make_absolute(*found);
    return found;
  }

 private:
  std::optional<Found> find_text(const SettingNames& names, const OptionalText& flag) const {
    if (flag.has_value()) return Found{*flag, Origin::flag, names.flag};
    if (names.variable != nullptr) {
      if (auto text = find_variable(environment, names.variable)) {
        return Found{*std::move(text), Origin::environment, names.variable};
      }
    }
    if (names.is_in_config) {
      if (auto text = config.find(names.key)) {
        const std::string place = fmt::format("cannot use '{}': {}", config.path, names.key);
        return Found{*std::move(text), Origin::config, place};
      }
    }
    return std::nullopt;
  }

  // A relative path in config.json starts where that file is, any other one in the working directory.
  void make_absolute(Found& found) const {
    found.text = expand_home(environment, std::move(found.text));
    if (found.origin == Origin::config && !found.text.starts_with('/')) {
      found.text.insert(0, os::parent_directory(config.path) + "/");
    }
    found.text = os::absolute_path(found.text);
  }
};

/// Reads setting after setting. What is wrong with one is a fault, and the setting has its default.
class Reader {
 public:
  explicit Reader(Sources from) : from_(std::move(from)), faults_(std::move(from_.config.faults)) {}

  std::optional<Found> find(const char* key, const OptionalText& flag,
                            Meaning meaning = Meaning::word) {
    auto found = from_.find(key, flag, meaning);
    if (found) return *std::move(found);
    faults_.push_back(std::move(found).error());
    return std::nullopt;
  }

  Setting<OptionalText> text(const char* key, const OptionalText& flag, Meaning meaning) {
    auto found = find(key, flag, meaning);
    if (!found.has_value()) return {};
    return {std::move(found->text), found->origin};
  }

  Setting<std::string> text(const char* key, const OptionalText& flag, Meaning meaning,
                            std::string default_value) {
    auto found = text(key, flag, meaning);
    return {std::move(found.value).value_or(std::move(default_value)), found.origin};
  }

  /// The value found, turned by `parse` into a Result of the setting's type; or its default.
  template <typename T, typename Parse>
  Setting<T> parsed(const char* key, const OptionalText& flag, T default_value, Parse parse) {
    const auto found = find(key, flag);
    if (!found.has_value()) return {std::move(default_value), Origin::default_value};
    auto value = parse(found->text);
    if (value.has_value()) return {*std::move(value), found->origin};
    Error error = std::move(value).error();
    error.code = found->origin == Origin::flag ? ErrorCode::usage : ErrorCode::bad_config;
    error.message = fmt::format("{}: {}", found->place, error.message);
    faults_.push_back(std::move(error));
    return {std::move(default_value), Origin::default_value};
  }

  std::vector<Error> take_faults() { return std::move(faults_); }

 private:
  Sources from_;
  std::vector<Error> faults_;
};

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

Result<EngineKind> parse_engine(std::string_view text) {
  return parse_choice(kEngines, "engine", text);
}

Result<LlamaProfile> parse_llama_profile(std::string_view text) {
  return parse_choice(kLlamaProfiles, "profile", text);
}

Result<NumberFormat> parse_compute(std::string_view text) {
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

std::string_view name_of(EngineKind engine) {
  switch (engine) {
    case EngineKind::native:
      return "native";
    case EngineKind::llama_server:
      return "llama-server";
    case EngineKind::auto_select:
      break;
  }
  return "auto";
}

std::string_view name_of(LlamaProfile profile) {
  return profile == LlamaProfile::speed ? "speed" : "lowmem";
}

std::string_view name_of(NumberFormat compute) {
  switch (compute) {
    case NumberFormat::f32:
      return "f32";
    case NumberFormat::bf16:
      return "bf16";
    case NumberFormat::int16:
      return "int16";
    case NumberFormat::int8:
      return "int8";
    case NumberFormat::auto_select:
      break;
  }
  return "auto";
}

SettingsFound find_settings(const Paths& paths, const Environment& environment,
                            const SettingFlags& flags) {
  const bool named = find_variable(environment, "RUNED_CONFIG").has_value();
  Reader from({environment, read_config_file(paths.config_file,
                                             named ? Presence::required : Presence::optional)});
  const std::optional<uint32_t> unset;
  Settings settings{
      .llama_server = from.text("llama_server", {}, Meaning::program),
      .model = from.text("model", flags.model, Meaning::model),
      .model_variant = from.text("model_variant", flags.model_variant, Meaning::word),
      .runed_binary = from.text("runed_binary", {}, Meaning::program),
      .manifest = from.text("manifest", flags.manifest, Meaning::url, default_manifest_url()),
      .engine = from.parsed("engine", flags.engine, EngineKind::auto_select, parse_engine),
      .llama_profile = from.parsed("llama_profile", flags.llama_profile, LlamaProfile::speed,
                                   parse_llama_profile),
      .idle_timeout =
          from.parsed("idle_timeout", flags.idle_timeout, kDefaultIdleTimeout, parse_idle_timeout),
      .ctx_size = from.parsed("ctx_size", flags.ctx_size, unset, parse_ctx_size),
      .cache_mb = from.parsed("cache_mb", flags.cache_mb, kDefaultCacheMb, parse_cache_mb),
      .cpu = from.text("cpu", flags.cpu, Meaning::word),
      .compute = from.parsed("compute", flags.compute, NumberFormat::auto_select, parse_compute),
      .threads = from.parsed("threads", flags.threads, unset, parse_threads),
      .socket = from.text("socket", flags.socket, Meaning::path, paths.socket),
  };
  return {std::move(settings), from.take_faults()};
}

Result<Settings> load_settings(const Paths& paths, const Environment& environment,
                               const SettingFlags& flags) {
  auto [settings, faults] = find_settings(paths, environment, flags);
  if (!faults.empty()) return std::move(faults.front());
  return std::move(settings);
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

std::vector<SettingText> to_texts(const Settings& settings) {
  std::vector<SettingText> texts;
  const Json json = to_json(settings);
  for (const auto& [key, setting] : json.items()) {
    const Json& value = setting["value"];
    std::string text;
    if (value.is_string()) {
      text = value;
    } else if (!value.is_null()) {
      text = to_line(value);
    }
    texts.push_back({key, std::move(text),
                     find_origin(setting["origin"].get<std::string>()).value_or(Origin::flag)});
  }
  return texts;
}

}  // namespace runed::bootstrap
