#include "bootstrap/config/origin.hpp"

#include <algorithm>
#include <array>

namespace runed::bootstrap {
namespace {

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

}  // namespace runed::bootstrap
