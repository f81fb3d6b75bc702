#pragma once

#include <cstdint>

#include "embed/tokenizer/character_bits.hpp"

namespace runed::embed {

/// What the reference tokenizer of BERT sees in a character, as bits. Its tables are of three versions
/// of Unicode, older than what utf8proc knows, and stay as they are: ids must not change.
/// Source: word_piece_ranges.hpp.
class WordPieceCharacters : public CharacterBits {
 public:
  static constexpr uint8_t kDeleted = 1;       // Where the text is cleaned.
  static constexpr uint8_t kWhite = 2;         // Ends a word.
  static constexpr uint8_t kCjk = 4;           // A word of its own, where those are split.
  static constexpr uint8_t kMark = 8;          // An accent.
  static constexpr uint8_t kPunctuation = 16;  // A word of its own.
  static constexpr uint8_t kDecomposed = 32;   // Has parts in form D.
  static constexpr uint8_t kOrdered = 64;      // Has a place among the marks behind a character.

  WordPieceCharacters();
};

}  // namespace runed::embed
