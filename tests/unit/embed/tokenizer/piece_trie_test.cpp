#include "embed/tokenizer/piece_trie.hpp"

#include <string>
#include <utility>
#include <vector>

#include "support/catch.hpp"

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
  PieceTrie trie(4);
  trie.add("a", 7);
  trie.add("ab\u00e9", 8);
  trie.add("b", 9);
  trie.add("", 10);
  CHECK(prefixes(trie, "ab\u00e9x") == Found{{7, 1}, {8, 4}});
  CHECK(prefixes(trie, "ab") == Found{{7, 1}});
  CHECK(prefixes(trie, "x").empty());
  CHECK(prefixes(trie, "").empty());
  CHECK(trie.find("ab\u00e9") == 8);
  CHECK(trie.find("ab") == PieceTrie::kNoPiece);
  trie.add("a", 11);
  CHECK(trie.find("a") == 11);
}

TEST_CASE("a trie grows where its pieces need more than it had room for") {
  PieceTrie trie(0);
  std::vector<std::string> pieces;
  for (int i = 0; i < 3000; ++i) pieces.push_back(std::to_string(i * 7919));
  for (size_t i = 0; i < pieces.size(); ++i) trie.add(pieces[i], static_cast<TokenId>(i));
  for (size_t i = 0; i < pieces.size(); ++i) {
    CAPTURE(pieces[i]);
    CHECK(trie.find(pieces[i]) == i);
    CHECK(trie.find(pieces[i] + "x") == PieceTrie::kNoPiece);
  }
}
