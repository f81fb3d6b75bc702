#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "bootstrap/config/paths.hpp"

namespace runed::bootstrap {

/// Notes that a variant is used now: its marker, an empty file in cache/used/, gets the time. Directories
/// that are missing are made with mode 0700.
/// Errors: invalid_argument for a name that cannot be that of a file; io.
Status note_used(const Paths& paths, std::string_view variant, const Clock& clock);

/// Finds when a variant was last used, since 1970. None: nobody has noted it.
std::optional<std::chrono::nanoseconds> find_last_used(const Paths& paths,
                                                       std::string_view variant);

/// Returns the directory of the markers, each of which is called as its variant.
std::string used_directory(const Paths& paths);

/// Returns the path of a variant's marker, whether or not it is there.
std::string used_marker(const Paths& paths, std::string_view variant);

}  // namespace runed::bootstrap
