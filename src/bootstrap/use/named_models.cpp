#include "bootstrap/use/named_models.hpp"

#include <fmt/format.h>

#include <array>

#include "base/text.hpp"
#include "bootstrap/config/config_file.hpp"
#include "bootstrap/config/setting_table.hpp"
#include "bootstrap/manifest/variant.hpp"
#include "bootstrap/use/model_choice.hpp"
#include "os/file/files.hpp"

namespace runed::bootstrap {

std::vector<NamedModel> named_models(const Paths& paths, const Settings& settings) {
  std::vector<NamedModel> named;
  const auto& [variant, origin] = settings.model_variant;
  if (origin != Origin::config) {
    const auto hidden =
        read_config_file(paths.config_file, Presence::optional).find("model_variant");
    if (hidden.has_value()) {
      named.push_back({.place = place_of("model_variant", Origin::config), .variant = hidden});
    }
  }
  if (variant.has_value()) {
    named.push_back({.place = place_of("model_variant", origin), .variant = variant});
  }
  if (settings.model.value.has_value()) {
    named.push_back(
        {.place = place_of("model", settings.model.origin), .path = settings.model.value});
  }
  for (const DeclaredModel& model : settings.models.value) {
    named.push_back({.place = fmt::format("models.{} in config.json", printable(model.name)),
                     .variant = model.variant,
                     .path = model.path});
  }
  return named;
}

bool is_named(const NamedModel& named, const Paths& paths, const std::string& variant) {
  if (named.variant.has_value() && find_variant(std::array{variant}, *named.variant).has_value()) {
    return true;
  }
  return named.path.has_value() &&
         os::resolve_links(*named.path) == os::resolve_links(model_path(paths, variant));
}

}  // namespace runed::bootstrap
