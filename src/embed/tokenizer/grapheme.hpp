#pragma once

#include <cstddef>
#include <string_view>

namespace runed::embed {

/// A character of a text.
struct DecodedCharacter {
  char32_t point = 0;
  size_t length = 0;  // In bytes.
};

/// Decodes the first character of well-formed UTF-8, which is not empty.
inline DecodedCharacter first_character(std::string_view text) {
  const auto byte = [&](size_t i) {
    return static_cast<char32_t>(static_cast<unsigned char>(text[i]));
  };
  const auto low = [&](size_t i) { return byte(i) & 0x3F; };
  const char32_t lead = byte(0);
  if (lead < 0x80) return {lead, 1};
  if (lead < 0xE0) return {(lead & 0x1F) << 6 | low(1), 2};
  if (lead < 0xF0) return {(lead & 0x0F) << 12 | low(1) << 6 | low(2), 3};
  return {(lead & 0x07) << 18 | low(1) << 12 | low(2) << 6 | low(3), 4};
}

/// Returns the bytes of the first extended grapheme cluster of well-formed UTF-8, which is not empty:
/// what a reader takes for one character.
/// Source: Unicode Standard Annex #29, section 3.1.1.
size_t first_cluster(std::string_view text);

}  // namespace runed::embed
