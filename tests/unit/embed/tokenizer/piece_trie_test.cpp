#include "embed/tokenizer/piece_trie.hpp"

#include <string>
#include <utility>
#include <vector>

#include "support/catch.hpp"

using runed::embed::NumberedPiece;
using runed::embed::PieceTrie;
using runed::embed::TokenId;

namespace {

using Found = std::vector<std::pair<TokenId, size_t>>;

Found prefixes(const PieceTrie& trie, std::string_view text) {
  Found found;
  trie.for_each_prefix(text, [&](TokenId id, size_t length) { found.emplace_back(id, length); });
  return found;
}

}  // namespace

TEST_CASE("the pieces that a text begins with are found, the shortest first") {
  const std::vector<NumberedPiece> pieces{{"ab\u00e9", 8}, {"a", 7},       {"b", 9},
                                          {"", 10},        {"longer", 11}, {"long", 12}};
  const PieceTrie trie(pieces);
  CHECK(prefixes(trie, "ab\u00e9x") == Found{{7, 1}, {8, 4}});
  CHECK(prefixes(trie, "ab\xC3") == Found{{7, 1}});
  CHECK(prefixes(trie, "ab") == Found{{7, 1}});
  CHECK(prefixes(trie, "longer") == Found{{12, 4}, {11, 6}});
  CHECK(prefixes(trie, "longe") == Found{{12, 4}});
  CHECK(prefixes(trie, "x").empty());
  CHECK(prefixes(trie, "").empty());
  CHECK(trie.find("ab\u00e9") == 8);
  CHECK(trie.find("ab") == PieceTrie::kNoPiece);
  CHECK(trie.find("") == PieceTrie::kNoPiece);
}

TEST_CASE("of equal pieces the last one counts, whatever is around them") {
  const std::vector<NumberedPiece> pieces{{"abcdefghij", 1}, {"a", 2}, {"abcdefghij", 3}, {"a", 0}};
  const PieceTrie trie(pieces);
  CHECK(prefixes(trie, "abcdefghij") == Found{{0, 1}, {3, 10}});
}

TEST_CASE("a trie may have no piece, or one") {
  CHECK(prefixes(PieceTrie(), "a").empty());
  CHECK(prefixes(PieceTrie(std::span<const NumberedPiece>()), "a").empty());
  const std::vector<NumberedPiece> one{{"ab", 5}};
  CHECK(prefixes(PieceTrie(one), "abc") == Found{{5, 2}});
  CHECK(prefixes(PieceTrie(one), "a").empty());
}

TEST_CASE("every piece of many is found, and nothing else") {
  std::vector<std::string> texts;
  for (int i = 0; i < 3000; ++i) texts.push_back(std::to_string(i * 7919));
  std::vector<NumberedPiece> pieces;
  for (size_t i = 0; i < texts.size(); ++i) pieces.push_back({texts[i], static_cast<TokenId>(i)});
  const PieceTrie trie(pieces);
  for (size_t i = 0; i < texts.size(); ++i) {
    CAPTURE(texts[i]);
    CHECK(trie.find(texts[i]) == i);
    CHECK(trie.find(texts[i] + "x") == PieceTrie::kNoPiece);
  }
}
