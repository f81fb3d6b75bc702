#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace runed {

/// Parses a number of bytes: a whole number, by itself or with a unit, `600MiB`, `2GiB`, `500MB`,
/// `1024`. A unit is B, KB, MB, GB or TB, of 1000 each, or KiB, MiB, GiB or TiB, of 1024, in upper or
/// lower case.
/// Errors: invalid_argument if there is no number, the unit is none of these, or the bytes leave uint64.
Result<uint64_t> parse_byte_size(std::string_view text);

/// Formats a number of bytes as parse_byte_size takes it, in the largest unit that is exact: `600MiB`,
/// `500MB`, `1025`.
std::string format_byte_size(uint64_t bytes);

}  // namespace runed
