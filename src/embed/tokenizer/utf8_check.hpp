#pragma once

#include <string_view>

#include "base/result.hpp"

namespace runed::embed {

/// Checks that a text is well-formed UTF-8.
/// Errors: not_utf8 (details: byte_offset).
Status check_utf8(std::string_view text);

}  // namespace runed::embed
