#include "bootstrap/config/setting_names.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/check.hpp"

namespace runed::bootstrap {
namespace {

constexpr std::array kNames{
    SettingNames{"engine", "--engine", "RUNED_ENGINE", true},
    SettingNames{"model", "--model", "RUNED_MODEL", true},
    SettingNames{"model_variant", "--variant", "RUNED_MODEL_VARIANT", true},
    SettingNames{"manifest", "--manifest", "RUNED_MANIFEST", true},
    SettingNames{"llama_server", nullptr, "RUNED_LLAMA_SERVER", true},
    SettingNames{"llama_profile", "--llama-profile", "RUNED_LLAMA_PROFILE", true},
    SettingNames{"runed_binary", nullptr, nullptr, true},
    SettingNames{"idle_timeout", "--idle-timeout", "RUNED_IDLE_TIMEOUT", true},
    SettingNames{"ctx_size", "--ctx-size", "RUNED_CTX_SIZE", false},
    SettingNames{"cpu", "--cpu", "RUNED_CPU", false},
    SettingNames{"compute", "--compute", "RUNED_COMPUTE", true},
    SettingNames{"threads", "--threads", "RUNED_THREADS", true},
    SettingNames{"cache_mb", "--cache-mb", "RUNED_CACHE_MB", true},
    SettingNames{"socket", "--socket", "RUNED_SOCKET", true},
};

constexpr std::array kOrigins{Origin::flag, Origin::environment, Origin::config, Origin::manifest,
                              Origin::default_value};

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

std::optional<Origin> find_origin(std::string_view name) {
  const auto* found =
      std::ranges::find_if(kOrigins, [name](Origin origin) { return name_of(origin) == name; });
  if (found == kOrigins.end()) return std::nullopt;
  return *found;
}

std::span<const SettingNames> setting_names() {
  return kNames;
}

const SettingNames& names_of_setting(std::string_view key) {
  const auto* found = std::ranges::find_if(
      kNames, [key](const SettingNames& names) { return names.key == key; });
  CHECK(found != kNames.end());
  return *found;
}

std::string place_of(std::string_view key, Origin origin) {
  const SettingNames& names = names_of_setting(key);
  if (origin == Origin::flag && names.flag != nullptr) return names.flag;
  if (origin == Origin::environment && names.variable != nullptr) return names.variable;
  if (origin == Origin::config) return fmt::format("{} in config.json", key);
  return std::string(key);
}

}  // namespace runed::bootstrap
