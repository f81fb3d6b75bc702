#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace runed {

/// JSON whose objects keep the order in which their keys were set.
using Json = nlohmann::ordered_json;

/// Parses one JSON document; anything after it is an error.
/// Errors: bad_input with the byte offset of the fault, or about a number that no double can hold.
Result<Json> parse_json(std::string_view text);

/// Serialises on one line, or indented on many. A text that is not UTF-8, such as a path, is shown
/// with escapes (escape_invalid_utf8).
std::string to_line(const Json& json);
std::string to_lines(const Json& json);

}  // namespace runed
