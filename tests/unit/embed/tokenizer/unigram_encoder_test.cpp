#include "embed/tokenizer/unigram_encoder.hpp"

#include <string_view>
#include <vector>

#include "support/catch.hpp"

using runed::embed::TokenId;
using runed::embed::UnigramEncoder;

namespace {

using Ids = std::vector<TokenId>;

struct Piece {
  std::string_view text;
  float score = 0;
  int32_t type = 1;
};

// The first piece is the unknown token.
Ids encode(const std::vector<Piece>& pieces, std::string_view text) {
  std::vector<std::string_view> texts;
  std::vector<float> scores;
  std::vector<int32_t> types;
  for (const Piece& piece : pieces) {
    texts.push_back(piece.text);
    scores.push_back(piece.score);
    types.push_back(piece.type);
  }
  const UnigramEncoder encoder(texts, scores, types, 0);
  UnigramEncoder::Scratch scratch;
  Ids ids;
  encoder.encode(text, scratch, ids);
  return ids;
}

constexpr Piece kUnknown{"<unk>", 0, 2};

}  // namespace

TEST_CASE("of all ways to cut a text the one with the greatest sum is taken") {
  const std::vector<Piece> pieces{kUnknown,      {"a", -1},  {"b", -1},
                                  {"ab", -1.5F}, {"bc", -4}, {"c", -1}};
  CHECK(encode(pieces, "abc") == Ids{3, 5});
  CHECK(encode(pieces, "ab") == Ids{3});
  CHECK(encode(pieces, "bc") == Ids{2, 5});
  CHECK(encode(pieces, "").empty());
}

TEST_CASE("of equal sums the way that begins earlier is kept") {
  CHECK(encode({kUnknown, {"a", -1}, {"aa", -1}}, "aaa") == Ids{1, 2});
  CHECK(encode({kUnknown, {"a", -1}, {"aa", -2}}, "aa") == Ids{2});
}

TEST_CASE("what no piece has is unknown, and one token where several are in a row") {
  const std::vector<Piece> pieces{kUnknown, {"a", -1}, {"\u00e9", -2}};
  CHECK(encode(pieces, "x") == Ids{0});
  CHECK(encode(pieces, "xyz") == Ids{0});
  CHECK(encode(pieces, "xaz\u2581\u00e9") == Ids{0, 1, 0, 2});
}

TEST_CASE("a character that begins pieces and is none itself is unknown") {
  CHECK(encode({kUnknown, {"ab", -1}, {"c", -1}}, "ac") == Ids{0, 2});
}

// Its score lies above those of the pieces less the penalty, so that a piece is never passed over.
TEST_CASE("an unknown character costs ten more than the worst piece") {
  const std::vector<Piece> pieces{kUnknown, {"ab", -24.5F}, {"b", -15}};
  CHECK(encode(pieces, "ab") == Ids{1});
  // -34.5 for `a`, and 0 for `b`: together as much as is lost.
  CHECK(encode({kUnknown, {"ab", -24.5F}, {"b", 10.5F}}, "ab") == Ids{0, 2});
}

TEST_CASE("of equal pieces the last one counts, and one that is not used does not") {
  CHECK(encode({kUnknown, {"a", -1}, {"a", -2}}, "a") == Ids{2});
  CHECK(encode({kUnknown, {"a", -1}, {"b", -1, 5}, {"[PAD]", -10000, 5}}, "ab") == Ids{1, 0});
}
