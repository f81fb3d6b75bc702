#include "embed/tokenizer/word_piece_characters.hpp"

#include "support/catch.hpp"

using runed::embed::WordPieceCharacters;

// word_piece_normalizer_test.cpp compares what comes of every character with the reference.
TEST_CASE("a character has the bits of all the ranges that it is in") {
  const WordPieceCharacters characters;
  CHECK(characters.of('a') == 0);
  CHECK(characters.of('\v') == (WordPieceCharacters::kDeleted | WordPieceCharacters::kWhite));
  CHECK(characters.of(' ') == WordPieceCharacters::kWhite);
  CHECK(characters.of('^') == WordPieceCharacters::kPunctuation);
  CHECK(characters.of(0x0301) == (WordPieceCharacters::kMark | WordPieceCharacters::kOrdered));
  CHECK(characters.of(0x302E) == WordPieceCharacters::kOrdered);
  CHECK(characters.of(0x4E00) == WordPieceCharacters::kCjk);
  CHECK(characters.of(0xF900) == (WordPieceCharacters::kCjk | WordPieceCharacters::kDecomposed));
  CHECK(characters.of(0xAC00) == WordPieceCharacters::kDecomposed);
}

TEST_CASE("ranges begin and end where they say, also across a boundary of 256") {
  const WordPieceCharacters characters;
  CHECK(characters.of(0x33FF) == 0);
  CHECK(characters.of(0x3400) == WordPieceCharacters::kCjk);
  CHECK(characters.of(0x4DBF) == WordPieceCharacters::kCjk);
  CHECK(characters.of(0x4DC0) == 0);
  CHECK(characters.of(0x10FFFD) == WordPieceCharacters::kDeleted);
  CHECK(characters.of(0x10FFFE) == 0);
}
