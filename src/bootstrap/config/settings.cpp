#include "bootstrap/config/settings.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/check.hpp"
#include "bootstrap/config/config_file.hpp"
#include "bootstrap/config/setting_table.hpp"
#include "bootstrap/fetch/url.hpp"
#include "os/file/files.hpp"

namespace runed::bootstrap {
namespace {

// A value as it was written, and what an error calls the place.
struct Found {
  std::string text;
  Origin origin;
  std::string place;
};

bool is_path(const std::string& text, Meaning meaning) {
  switch (meaning) {
    case Meaning::word:
      return false;
    case Meaning::program:
      return text.find('/') != std::string::npos;
    case Meaning::model:
      return is_model_path(text);
    case Meaning::url:
      return text.find(':') == std::string::npos;
    case Meaning::path:
    case Meaning::directory:
      break;
  }
  return true;
}

// Where values are looked for, in the order of their strength.
struct Sources {
  const SettingFlags& flags;
  const Environment& environment;
  const ConfigFile& config;

  std::optional<Found> find(const SettingRow& row) const {
    auto found = find_text(row);
    if (found.has_value() && is_path(found->text, row.meaning)) {
      found->text = make_absolute(std::move(found->text), found->origin);
    }
    return found;
  }

  // A relative path in config.json starts where that file is, any other one in the working directory.
  std::string make_absolute(std::string path, Origin origin) const {
    path = expand_home(environment, std::move(path));
    if (origin == Origin::config && !path.starts_with('/')) {
      path.insert(0, os::parent_directory(config.path) + "/");
    }
    return os::absolute_path(path);
  }

 private:
  std::optional<Found> find_text(const SettingRow& row) const {
    if (const auto flag = flags.find(row.key); flag != flags.end()) {
      return Found{flag->second, Origin::flag, row.flag};
    }
    if (row.variable != nullptr) {
      if (auto text = find_variable(environment, row.variable)) {
        return Found{*std::move(text), Origin::environment, row.variable};
      }
    }
    if (row.is_in_config) {
      if (auto text = config.find(row.key)) {
        const std::string place = fmt::format("cannot use '{}': {}", config.path, row.key);
        return Found{*std::move(text), Origin::config, place};
      }
    }
    return std::nullopt;
  }

};

// Reads one setting, which has its default until then.
Status read_setting(const SettingRow& row, const Sources& sources, Settings& settings) {
  // `--variant "$UNSET"` must not be taken for no word at all.
  if (const auto flag = sources.flags.find(row.key);
      flag != sources.flags.end() && flag->second.empty()) {
    return make_error(ErrorCode::usage, "{}: the value is empty", row.flag)
        .with_hint("give a value, or leave the flag out");
  }
  if (row.access.read == nullptr) return {};
  const auto found = sources.find(row);
  if (!found.has_value()) return {};
  Status read = row.access.read(found->text, found->origin, settings);
  if (read) return {};
  Error error = std::move(read).error();
  error.code = found->origin == Origin::flag ? ErrorCode::usage : ErrorCode::bad_config;
  return error.in(found->place);
}

void read_models(const Sources& sources, SettingsFound& found) {
  const ConfigFile& config = sources.config;
  if (!config.has_models) return;
  std::vector<DeclaredModel> models = config.models;
  for (DeclaredModel& model : models) {
    if (model.path.has_value()) {
      model.path = sources.make_absolute(*std::move(model.path), Origin::config);
    }
  }
  std::ranges::move(find_models_declared_twice(config.path, models),
                    std::back_inserter(found.faults));
  found.settings.models = {std::move(models), Origin::config};
}

Settings default_settings(const Paths& paths) {
  Settings settings;
  settings.socket.value = paths.socket;
  for (const SettingRow& row : setting_rows()) {
    if (row.default_value == nullptr) continue;
    CHECK(row.access.read(row.default_value, Origin::default_value, settings));
  }
  return settings;
}

Json shown_value(const SettingRow& row, const Settings& settings) {
  Json value = row.access.show(settings);
  if (row.meaning == Meaning::url && value.is_string()) {
    return display_url(value.get<std::string>());
  }
  return value;
}

}  // namespace

SettingsFound find_settings(const Paths& paths, const Environment& environment,
                            const SettingFlags& flags) {
  const bool named = find_variable(environment, "RUNED_CONFIG").has_value();
  ConfigFile config =
      read_config_file(paths.config_file, named ? Presence::required : Presence::optional);
  SettingsFound found{default_settings(paths), std::move(config.faults)};
  const Sources sources{flags, environment, config};
  read_models(sources, found);
  for (const SettingRow& row : setting_rows()) {
    Status read = read_setting(row, sources, found.settings);
    if (!read) found.faults.push_back(std::move(read).error());
  }
  return found;
}

Result<Settings> load_settings(const Paths& paths, const Environment& environment,
                               const SettingFlags& flags) {
  auto [settings, faults] = find_settings(paths, environment, flags);
  if (!faults.empty()) return std::move(faults.front());
  return std::move(settings);
}

Json to_json(const Settings& settings) {
  Json json = Json::object();
  for (const SettingRow& row : setting_rows()) {
    json[row.key] = {{"value", shown_value(row, settings)},
                     {"origin", name_of(row.access.origin(settings))}};
  }
  return json;
}

std::vector<SettingText> to_texts(const Settings& settings) {
  std::vector<SettingText> texts;
  for (const SettingRow& row : setting_rows()) {
    const Json value = shown_value(row, settings);
    std::string text;
    if (value.is_string()) {
      text = value;
    } else if (!value.is_null()) {
      text = to_line(value);
    }
    texts.push_back({row.key, std::move(text), row.access.origin(settings)});
  }
  return texts;
}

}  // namespace runed::bootstrap
