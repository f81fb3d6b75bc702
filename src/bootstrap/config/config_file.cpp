#include "bootstrap/config/config_file.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>
#include <utility>
#include <vector>

#include "base/json.hpp"
#include "base/text.hpp"
#include "bootstrap/config/json_document.hpp"
#include "bootstrap/config/setting_table.hpp"

namespace runed::bootstrap {
namespace {

constexpr const char* kUnreadableHint =
    "put a file of settings that you can read in its place, or name another with RUNED_CONFIG";
constexpr int kVersion = 1;
constexpr size_t kMaxBytes = size_t{1} << 20;

std::vector<std::string> known_keys() {
  std::vector<std::string> keys;
  for (const SettingRow& row : setting_rows()) {
    if (row.is_in_config) keys.emplace_back(row.key);
  }
  return keys;
}

// A setting that is misspelt would be one that is not set.
void find_unknown_keys(const Json& document, const std::vector<std::string>& known,
                       ConfigFile& config) {
  for (const auto& [key, value] : document.items()) {
    if (key == "version" || is_remark(key) || std::ranges::find(known, key) != known.end())
      continue;
    const auto nearest = find_nearest(key, known);
    config.faults.push_back(
        bad_document(config.path, fmt::format("unknown key '{}'", printable(key)))
            .with_hint(nearest.has_value()
                           ? fmt::format("did you mean '{}'?", *nearest)
                           : fmt::format("the keys are {}", fmt::join(known, ", "))));
  }
}

// The text of a value, which is empty for one that counts as missing. None: it is of a wrong type.
std::optional<std::string> find_text(const SettingRow& row, const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_number() && row.config_type == ConfigType::number) return to_line(value);
  return std::nullopt;
}

void read_value(const SettingRow& row, const Json& value, ConfigFile& config) {
  auto text = find_text(row, value);
  if (!text.has_value()) {
    config.faults.push_back(bad_document(
        config.path,
        fmt::format("{}: expected a {}, found {}", row.key,
                    row.config_type == ConfigType::number ? "number or a string" : "string",
                    describe_type(value))));
  } else if (!text->empty()) {
    config.values.emplace(row.key, *std::move(text));
  }
}

void read_models(const Json& value, ConfigFile& config) {
  DeclaredModels declared = parse_declared_models(config.path, value);
  config.has_models = true;
  config.models = std::move(declared.models);
  std::ranges::move(declared.faults, std::back_inserter(config.faults));
}

}  // namespace

std::optional<std::string> ConfigFile::find(const std::string& key) const {
  const auto found = values.find(key);
  if (found == values.end()) return std::nullopt;
  return found->second;
}

ConfigFile read_config_file(const std::string& path, Presence presence) {
  const Result<std::string> text = read_document(path, kMaxBytes, kUnreadableHint);
  if (text.has_value()) return parse_config(path, *text);
  ConfigFile config{.path = path, .values = {}};
  const bool missing = text.error().code == ErrorCode::not_found;
  if (missing && presence == Presence::optional) return config;
  config.faults.push_back(
      missing ? bad_document(path, "there is no such file; RUNED_CONFIG names it")
              : make_error(ErrorCode::bad_config, "{}", text.error().message)
                    .with_hint(kUnreadableHint));
  return config;
}

ConfigFile parse_config(const std::string& path, std::string_view text) {
  ConfigFile config{.path = path, .values = {}};
  const auto document = parse_document(text, path, kVersion);
  if (!document) {
    config.faults.push_back(document.error());
    return config;
  }
  find_unknown_keys(*document, known_keys(), config);
  for (const SettingRow& row : setting_rows()) {
    const auto value = document->find(row.key);
    if (!row.is_in_config || value == document->end()) continue;
    if (row.config_type == ConfigType::models) {
      read_models(*value, config);
    } else {
      read_value(row, *value, config);
    }
  }
  return config;
}

}  // namespace runed::bootstrap
