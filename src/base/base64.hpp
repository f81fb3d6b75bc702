#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace runed {

/// Decodes base64 with padding and without line breaks (RFC 4648, section 4); empty for anything
/// else.
std::optional<std::string> decode_base64(std::string_view text);

}  // namespace runed
