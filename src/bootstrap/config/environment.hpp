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

/// Puts the user's home in the place of `~` in a path that begins with `~/`: a shell does so only
/// where the `~` begins a word, and a service manager never.
std::string expand_home(const Environment& environment, std::string path);

/// The variable by which a client tells the daemon that it starts that it was started on
/// demand, and that standard input is a pipe which ends with the client.
inline constexpr const char* kStartedOnDemand = "RUNED_STARTED_ON_DEMAND";

}  // namespace runed::bootstrap
