#include "bootstrap/config_file.hpp"

#include <array>

#include "bootstrap/json_document.hpp"
#include "os/files.hpp"

namespace runed::bootstrap {
namespace {

constexpr int kVersion = 1;
constexpr size_t kMaxBytes = size_t{1} << 20;
constexpr std::array kKeys{"llama_server", "llama_profile", "model",    "runed_binary",
                           "idle_timeout", "model_variant", "manifest", "engine",
                           "socket",       "cache_mb",      "compute",  "threads"};

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
  if (missing) return bad_document(path, "there is no such file; RUNED_CONFIG names it");
  return text.error();
}

Result<ConfigFile> parse_config(const std::string& path, std::string_view text) {
  ConfigFile config{.path = path, .values = {}};
  TRY_ASSIGN(const Json document, parse_document(text, path, kVersion));
  for (const char* key : kKeys) {
    const auto value = document.find(key);
    if (value == document.end()) continue;
    if (!value->is_string()) {
      return bad_document(
          path, fmt::format("{}: expected a string, found {}", key, describe_type(*value)));
    }
    if (auto content = value->get<std::string>(); !content.empty()) {
      config.values.emplace(key, std::move(content));
    }
  }
  return config;
}

}  // namespace runed::bootstrap
