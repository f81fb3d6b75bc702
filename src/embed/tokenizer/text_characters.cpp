#include "embed/tokenizer/text_characters.hpp"

#include <array>

#include "embed/tokenizer/character_ranges.hpp"

namespace runed::embed {

const CharacterBits& text_characters() {
  using Row = CharacterBits::Row;
  static constexpr std::array kRows{
      Row{characters::kLetters, text_character::kLetter},
      Row{characters::kNumbers, text_character::kNumber},
      Row{characters::kWhite, text_character::kWhite},
      Row{characters::kWordCharacters, text_character::kWord},
  };
  static const CharacterBits bits(kRows);
  return bits;
}

}  // namespace runed::embed
