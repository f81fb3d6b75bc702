#include "embed/tokenizer/word_piece_characters.hpp"

#include <array>

#include "embed/tokenizer/word_piece_ranges.hpp"

namespace runed::embed {
namespace {

using Bits = WordPieceCharacters;
using Row = CharacterBits::Row;

constexpr std::array kRows{
    Row{word_piece::kDeleted, Bits::kDeleted},
    Row{word_piece::kWhite, Bits::kWhite},
    Row{word_piece::kCjk, Bits::kCjk},
    Row{word_piece::kMarks, Bits::kMark},
    Row{word_piece::kPunctuation, Bits::kPunctuation},
    Row{word_piece::kDecomposed, Bits::kDecomposed},
    Row{word_piece::kOrdered, Bits::kOrdered},
};

}  // namespace

WordPieceCharacters::WordPieceCharacters() : CharacterBits(kRows) {}

}  // namespace runed::embed
