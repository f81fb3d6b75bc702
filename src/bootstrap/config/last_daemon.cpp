#include "bootstrap/config/last_daemon.hpp"

#include <filesystem>
#include <system_error>

#include "base/json.hpp"
#include "bootstrap/config/json_document.hpp"
#include "os/file/atomic_file.hpp"
#include "os/file/files.hpp"

namespace runed::bootstrap {
namespace {

constexpr size_t kMostBytes = size_t{1} << 20;

}  // namespace

Status write_last_daemon(const std::string& path, const std::string& dead_path,
                         const LastDaemon& daemon) {
  std::error_code fault;
  std::filesystem::rename(path, dead_path, fault);
  if (fault == std::errc::no_such_file_or_directory) TRY(os::remove_file(dead_path));
  Json settings = Json::array();
  for (const auto& [key, value, origin] : daemon.settings) {
    settings.push_back({{"key", key}, {"value", value}, {"origin", name_of(origin)}});
  }
  return os::write_file_atomically(
      path, to_document(Json{{"pid", daemon.pid}, {"settings", settings}}), 0600);
}

std::optional<LastDaemon> read_last_daemon(const std::string& path) {
  const auto text = os::read_file(path, kMostBytes);
  if (!text) return std::nullopt;
  const auto document = parse_json(*text);
  if (!document || !document->is_object() || !document->contains("pid") ||
      !document->contains("settings")) {
    return std::nullopt;
  }
  const Json& pid = document->at("pid");
  const Json& settings = document->at("settings");
  if (!pid.is_number_integer() || !settings.is_array()) return std::nullopt;
  LastDaemon daemon{.pid = pid.get<int>(), .settings = {}};
  for (const Json& setting : settings) {
    if (!setting.is_object()) return std::nullopt;
    const auto origin = find_origin(text_of(setting, "origin"));
    daemon.settings.push_back({text_of(setting, "key"), text_of(setting, "value"),
                               origin.value_or(Origin::default_value)});
  }
  return daemon;
}

}  // namespace runed::bootstrap
