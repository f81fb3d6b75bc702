#pragma once

#include <optional>
#include <string_view>

namespace runed::bootstrap {

/// Where a value came from, the strongest first.
enum class Origin { flag, environment, config, manifest, default_value };

/// Returns `flag`, `environment`, `config`, `manifest` or `default`.
std::string_view name_of(Origin origin);

/// Finds the origin with this name.
std::optional<Origin> find_origin(std::string_view name);

}  // namespace runed::bootstrap
