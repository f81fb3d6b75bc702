#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "bootstrap/config/paths.hpp"

namespace runed::bootstrap {

/// Notes that a model in the executable answers in this home, and returns the one that did last, if
/// that was another: once, for the note is of the new one then. Homes that are older than the note are
/// told by the last model in the daemon's log.
/// Errors: io.
Result<std::optional<std::string>> note_builtin(const Paths& paths, std::string_view name);

/// Returns what people are told of it.
std::string describe_other_builtin(std::string_view now, std::string_view before);

}  // namespace runed::bootstrap
