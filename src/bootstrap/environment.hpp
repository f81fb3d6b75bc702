#pragma once

#include <functional>
#include <optional>
#include <string>

namespace runed::bootstrap {

/// Looks a variable up; a seam, so that tests have an environment of their own. In production:
/// os::environment_variable.
using Environment = std::function<std::optional<std::string>(const std::string&)>;

/// Looks a variable up; one that is empty counts as unset.
std::optional<std::string> find_variable(const Environment& environment, const std::string& name);

}  // namespace runed::bootstrap
