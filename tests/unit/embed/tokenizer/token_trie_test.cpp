#include "embed/tokenizer/token_trie.hpp"

#include <string>

#include "support/catch.hpp"

using runed::embed::TokenTrie;

TEST_CASE("the first token of a text is found, the longest of those there") {
  TokenTrie trie;
  CHECK(trie.is_empty());
  CHECK_FALSE(trie.find("abc", 0).has_value());
  trie.add("ab", 1);
  trie.add("abcd", 2);
  trie.add("bcx", 3);
  trie.add("ab", 4);  // Keeps its first id.
  CHECK_FALSE(trie.is_empty());
  const auto whole = trie.find("..abcde", 0);
  REQUIRE(whole.has_value());
  CHECK(whole->offset == 2);
  CHECK(whole->length == 4);
  CHECK(whole->id == 2);
  const auto part = trie.find("abcx", 0);
  REQUIRE(part.has_value());
  CHECK(part->length == 2);
  CHECK(part->id == 1);
  CHECK(trie.find("abcx", 1)->id == 3);
  CHECK_FALSE(trie.find("abcx", 2).has_value());
  CHECK_FALSE(trie.find("bc", 0).has_value());
}

TEST_CASE("tokens of any bytes are told from each other") {
  TokenTrie trie;
  for (int byte = 0; byte < 256; ++byte) {
    trie.add(std::string{'x', static_cast<char>(byte)}, static_cast<uint32_t>(byte));
  }
  for (int byte = 0; byte < 256; ++byte) {
    CHECK(trie.find(std::string{'y', 'x', static_cast<char>(byte)}, 0)->id ==
          static_cast<uint32_t>(byte));
  }
}
