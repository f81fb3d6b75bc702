#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "base/json_fwd.hpp"
#include "base/result.hpp"

namespace runed {

/// How deep arrays and objects may lie in each other.
inline constexpr size_t kMostJsonLevels = 64;

/// How many keys an object may have: so few that each may be looked for among all of them, or any
/// number, for who reads them one after another, such as a vocabulary.
enum class KeyLimit { few, none };

/// Parses one JSON document; anything after it is an error. All JSON that comes from a file, a server
/// or a child goes through here, which bounds what can be done to a stack and in what time.
/// Errors: bad_input with the byte of the fault: what is no JSON; nested deeper than that, a key that
///         is there twice, too many keys, a number that no double can hold.
Result<Json> parse_json(std::string_view text, KeyLimit limit = KeyLimit::few);

/// Serialises on one line, or indented on many. A text that is not UTF-8, such as a path, is shown
/// with escapes (escape_invalid_utf8).
std::string to_line(const Json& json);
std::string to_lines(const Json& json);

}  // namespace runed
