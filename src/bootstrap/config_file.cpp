#include "bootstrap/config_file.hpp"

#include <array>

#include "base/json.hpp"
#include "os/files.hpp"

namespace runed::bootstrap {
namespace {

constexpr size_t kMaxBytes = size_t{1} << 20;
constexpr std::array kKeys{"llama_server",  "model",    "runed_binary", "idle_timeout",
                           "model_variant", "manifest", "engine",       "socket"};

std::string describe_type(const Json& value) {
  switch (value.type()) {
    case Json::value_t::null:
      return "null";
    case Json::value_t::object:
      return "an object";
    case Json::value_t::array:
      return "an array";
    case Json::value_t::string:
      return "a string";
    case Json::value_t::boolean:
      return "a boolean";
    default:
      return "a number";
  }
}

Error bad_config(const std::string& path, const std::string& why) {
  return make_error(ErrorCode::bad_config, "cannot use '{}': {}", path, why);
}

Status check_version(const std::string& path, const Json& document) {
  const auto version = document.find("version");
  if (version == document.end() || *version == 1) return {};
  const std::string found = version->is_number() ? to_line(*version) : describe_type(*version);
  return bad_config(path, fmt::format("version: expected 1, found {}", found));
}

}  // namespace

std::optional<std::string> ConfigFile::find(const std::string& key) const {
  const auto found = values.find(key);
  if (found == values.end()) return std::nullopt;
  return found->second;
}

Result<ConfigFile> read_config_file(const std::string& path, Presence presence) {
  const Result<std::string> text = os::read_file(path, kMaxBytes);
  if (text.has_value()) return parse_config(path, *text);
  const bool missing = text.error().code == ErrorCode::not_found;
  if (missing && presence == Presence::optional) return ConfigFile{.path = path, .values = {}};
  return text.error();
}

Result<ConfigFile> parse_config(const std::string& path, std::string_view text) {
  ConfigFile config{.path = path, .values = {}};
  const Result<Json> document = parse_json(text);
  if (!document.has_value()) return bad_config(path, document.error().message);
  if (!document->is_object()) {
    return bad_config(path, "expected an object, found " + describe_type(*document));
  }
  TRY(check_version(path, *document));
  for (const char* key : kKeys) {
    const auto value = document->find(key);
    if (value == document->end()) continue;
    if (!value->is_string()) {
      return bad_config(path,
                        fmt::format("{}: expected a string, found {}", key, describe_type(*value)));
    }
    if (auto content = value->get<std::string>(); !content.empty()) {
      config.values.emplace(key, std::move(content));
    }
  }
  return config;
}

}  // namespace runed::bootstrap
