#pragma once

#include <string_view>

namespace runed {

/// Tells whether a text is a SHA-256 as people and programs write it: 64 hex digits, in any case.
bool is_sha256_hex(std::string_view text);

}  // namespace runed
