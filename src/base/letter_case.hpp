#pragma once

#include <string>
#include <string_view>

namespace runed {

/// Returns a text with the letters of ASCII in lower case, and all else as it is.
std::string in_lower_case(std::string_view text);

}  // namespace runed
