#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace runed {

/// Parses a duration in Go's syntax: `300ms`, `1.5h`, `1h30m`, `-2s`, `0`.
/// Errors: invalid_argument if a number or a unit is missing, or the value leaves int64
/// nanoseconds. Source: Go, package time, ParseDuration.
Result<std::chrono::nanoseconds> parse_duration(std::string_view text);

/// Converts seconds from a command line, up to a year: what is beyond is as good as for ever.
/// Needs: seconds >= 0.
std::chrono::milliseconds to_milliseconds(double seconds);

/// Formats a duration for people, in the largest units that are exact: `1h30m`, `1.5s`, `0s`.
std::string format_duration(std::chrono::nanoseconds duration);

}  // namespace runed
