#pragma once

#include <cstdint>

#include "embed/tokenizer/character_bits.hpp"

namespace runed::embed {

/// What the regular expressions of the reference see in a character.
/// Source: character_ranges.hpp.
namespace text_character {

inline constexpr uint8_t kLetter = 1;  // \p{L}.
inline constexpr uint8_t kNumber = 2;  // \p{N}.
inline constexpr uint8_t kWhite = 4;   // \s.
inline constexpr uint8_t kWord = 8;    // \w.

}  // namespace text_character

/// Returns the bits of all characters, made at the first call. Thread-safe.
const CharacterBits& text_characters();

}  // namespace runed::embed
