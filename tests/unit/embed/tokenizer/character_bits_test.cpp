#include "embed/tokenizer/character_bits.hpp"

#include <array>

#include "embed/tokenizer/text_characters.hpp"
#include "support/catch.hpp"

using runed::embed::CharacterBits;
using runed::embed::CharacterRange;
using runed::embed::text_characters;
namespace text_character = runed::embed::text_character;

TEST_CASE("a character has the bits of all rows that it is in, and pages are shared") {
  static constexpr std::array kWide{CharacterRange{0x1FE, 0x4FF}};
  static constexpr std::array kLast{CharacterRange{'a', 'a'}, CharacterRange{0x200, 0x200},
                                    CharacterRange{0x10FFFF, 0x10FFFF}};
  const std::array rows{CharacterBits::Row{kWide, 1}, CharacterBits::Row{kLast, 4}};
  const CharacterBits bits(rows);
  CHECK(bits.of('a') == 4);
  CHECK(bits.of('b') == 0);
  CHECK(bits.of(0x1FD) == 0);
  CHECK(bits.of(0x1FE) == 1);
  CHECK(bits.of(0x200) == 5);
  CHECK(bits.of(0x4FF) == 1);
  CHECK(bits.of(0x500) == 0);
  CHECK(bits.of(0x10FFFE) == 0);
  CHECK(bits.of(0x10FFFF) == 4);
}

// pre_tokenizer_test.cpp compares what comes of every character with the reference.
TEST_CASE("letters are those of Unicode 16") {
  using namespace text_character;
  CHECK(text_characters().of('a') == (kLetter | kWord));
  CHECK(text_characters().of('7') == (kNumber | kWord));
  CHECK(text_characters().of('_') == kWord);
  CHECK(text_characters().of(0x3000) == kWhite);
  CHECK(text_characters().of(0x180E) == 0);
  CHECK(text_characters().of(0x0301) == kWord);
  CHECK(text_characters().of(0x1C89) == (kLetter | kWord));  // New in 16.
  CHECK(text_characters().of(0x16D6A) != 0);
}
