#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace runed::embed {

/// Reads the character at `offset` and steps over it.
/// Needs: well-formed UTF-8 that begins a character there.
inline uint32_t next_character(std::string_view text, size_t& offset) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[offset + i]); };
  const auto rest = [&](size_t i) { return byte(i) & 0x3FU; };
  const unsigned char lead = byte(0);
  uint32_t point = lead;
  size_t length = 1;
  if (lead >= 0xF0) {
    point = (lead & 0x07U) << 18 | rest(1) << 12 | rest(2) << 6 | rest(3);
    length = 4;
  } else if (lead >= 0xE0) {
    point = (lead & 0x0FU) << 12 | rest(1) << 6 | rest(2);
    length = 3;
  } else if (lead >= 0x80) {
    point = (lead & 0x1FU) << 6 | rest(1);
    length = 2;
  }
  offset += length;
  return point;
}

/// Reads the character that ends at `offset`, and steps back over it.
/// Needs: as next_character, and offset > 0.
inline uint32_t previous_character(std::string_view text, size_t& offset) {
  do {
    --offset;
  } while ((static_cast<unsigned char>(text[offset]) & 0xC0U) == 0x80U);
  size_t end = offset;
  return next_character(text, end);
}

}  // namespace runed::embed
