#include "embed/tokenizer/byte_pair_encoding.hpp"

#include <functional>
#include <map>
#include <random>
#include <string>
#include <thread>
#include <utility>

#include "support/gguf_builder.hpp"
#include "support/result_matchers.hpp"

using runed::ErrorCode;
using runed::embed::BytePairEncoding;
using runed::embed::RunUnits;
using runed::embed::TokenId;
using runed::test::unwrap;
using runed::test::unwrap_error;

namespace {

using Ids = std::vector<TokenId>;
using Views = std::vector<std::string_view>;

// The bytes, and what merging gives.
struct Vocabulary {
  std::vector<std::string> tokens = runed::test::byte_tokens();
  std::vector<std::string> merges;

  Vocabulary& add(const std::string& left, const std::string& right) {
    merges.push_back(left + " " + right);
    if (std::ranges::find(tokens, left + right) == tokens.end()) tokens.push_back(left + right);
    return *this;
  }

  BytePairEncoding build() const {
    return unwrap(BytePairEncoding::create(Views(tokens.begin(), tokens.end()),
                                           Views(merges.begin(), merges.end())));
  }
};

Ids encode(const BytePairEncoding& encoding, std::string_view word) {
  Ids ids;
  encoding.encode(Views{word}, ids);
  return ids;
}

// The definition, word for word: look for the best pair, merge it, again.
Ids naive(const Vocabulary& vocabulary, std::string_view word) {
  std::map<std::pair<std::string, std::string>, size_t> ranks;
  for (size_t rank = 0; rank < vocabulary.merges.size(); ++rank) {
    const std::string& merge = vocabulary.merges[rank];
    const size_t space = merge.find(' ');
    // One that is there twice has the rank of the last.
    ranks[std::pair(merge.substr(0, space), merge.substr(space + 1))] = rank;
  }
  std::vector<std::string> parts;
  for (const char c : word) parts.push_back(vocabulary.tokens[static_cast<unsigned char>(c)]);
  while (true) {
    size_t best = parts.size();
    size_t best_rank = vocabulary.merges.size();
    for (size_t i = 0; i + 1 < parts.size(); ++i) {
      const auto found = ranks.find({parts[i], parts[i + 1]});
      if (found == ranks.end() || found->second >= best_rank) continue;
      best = i;
      best_rank = found->second;
    }
    if (best == parts.size()) break;
    parts[best] += parts[best + 1];
    parts.erase(parts.begin() + static_cast<long>(best) + 1);
  }
  Ids ids;
  for (const std::string& part : parts) {
    const auto found = std::ranges::find(vocabulary.tokens, part);
    ids.push_back(static_cast<TokenId>(found - vocabulary.tokens.begin()));
  }
  return ids;
}

}  // namespace

TEST_CASE("a word without merges is its bytes") {
  const BytePairEncoding encoding = Vocabulary().build();
  CHECK(encode(encoding, "").empty());
  CHECK(encode(encoding, "ab") == Ids{'a', 'b'});
  CHECK(encode(encoding, std::string_view("\0\xff ", 3)) == Ids{0, 255, ' '});
}

TEST_CASE("the merge of the lowest rank is done first, leftmost first") {
  const auto late = Vocabulary().add("b", "c").add("a", "b").add("a", "bc");
  CHECK(encode(late.build(), "abc") == Ids{258});
  const auto early = Vocabulary().add("a", "b").add("b", "c");
  CHECK(encode(early.build(), "abc") == Ids{256, 'c'});
  const auto doubled = Vocabulary().add("a", "a");
  CHECK(encode(doubled.build(), "aaaaa") == Ids{256, 256, 'a'});
}

TEST_CASE("words are encoded one by one") {
  const BytePairEncoding encoding = Vocabulary().add("a", "b").build();
  Ids ids{7};
  encoding.encode(Views{"ab", "", "a", "b"}, ids);
  CHECK(ids == Ids{7, 256, 'a', 'b'});
}

TEST_CASE("a merged token is found wherever the vocabulary has it") {
  Vocabulary vocabulary;
  vocabulary.tokens.insert(vocabulary.tokens.end(), {"xy", "other"});
  vocabulary.add("a", "b").add("x", "y");
  const BytePairEncoding encoding = vocabulary.build();
  CHECK(encode(encoding, "ab") == Ids{258});
  CHECK(encode(encoding, "xy") == Ids{256});
}

TEST_CASE("merges give what the naive loop gives") {
  std::mt19937 random(1);
  for (int round = 0; round < 200; ++round) {
    Vocabulary vocabulary;
    for (int i = 0; i < 12; ++i) {
      const auto part = [&] {
        const size_t pick = random() % (3 + vocabulary.tokens.size() - 256);
        return pick < 3 ? std::string(1, "abc"[pick]) : vocabulary.tokens[256 + pick - 3];
      };
      const std::string left = part();
      vocabulary.add(left, part());
    }
    const BytePairEncoding encoding = vocabulary.build();
    for (size_t length = 0; length < 40; ++length) {
      std::string word;
      while (word.size() < length) word += "abc"[random() % 3];
      CAPTURE(word, vocabulary.merges);
      REQUIRE(encode(encoding, word) == naive(vocabulary, word));
    }
  }
}

TEST_CASE("a word of a million letters is encoded in a moment") {
  Vocabulary vocabulary;
  for (size_t length = 1; length <= 64; length *= 2) {
    vocabulary.add(std::string(length, 'a'), std::string(length, 'a'));
  }
  const Ids ids = encode(vocabulary.build(), std::string(1 << 20, 'a'));
  CHECK(ids == Ids(ids.size(), 262));
  CHECK(ids.size() == (1 << 20) / 128);
}

TEST_CASE("threads find the same merges, and the first that is not of tokens") {
  const RunUnits on_threads = [](size_t units, const std::function<void(size_t)>& work) {
    std::vector<std::thread> threads;
    for (size_t unit = 0; unit < units; ++unit) threads.emplace_back(work, unit);
    for (std::thread& thread : threads) thread.join();
  };
  std::mt19937 random(2);
  Vocabulary vocabulary;
  const auto letter = [&] { return std::string(1, static_cast<char>('a' + random() % 26)); };
  for (int i = 0; i < 20'000; ++i) {  // Ten units of work; with merges that are there twice.
    const size_t made = vocabulary.tokens.size() - 256;
    const std::string left =
        made == 0 || random() % 4 == 0 ? letter() : vocabulary.tokens[256 + random() % made];
    vocabulary.merges.push_back(left + " " + letter());
    vocabulary.tokens.push_back(left + vocabulary.merges.back().back());
  }
  const Views tokens(vocabulary.tokens.begin(), vocabulary.tokens.end());
  Views merges(vocabulary.merges.begin(), vocabulary.merges.end());
  const BytePairEncoding expected = unwrap(BytePairEncoding::create(tokens, merges));
  const BytePairEncoding found = unwrap(BytePairEncoding::create(tokens, merges, on_threads));
  for (int i = 0; i < 2'000; ++i) {
    std::string word;
    while (word.size() < 30) word += letter();
    CAPTURE(word);
    REQUIRE(encode(found, word) == encode(expected, word));
    REQUIRE(encode(found, word).size() < word.size());
  }
  merges[5'000] = "a  b";
  merges[19'000] = "ab";
  CHECK(unwrap_error(BytePairEncoding::create(tokens, merges, on_threads)).message ==
        "key 'tokenizer.ggml.merges' has 'a  b' at 5000, which is not of tokens");
}

TEST_CASE("a merge without a space is refused even where a token is empty") {
  Vocabulary vocabulary;
  vocabulary.tokens.push_back("");
  const auto error = unwrap_error(BytePairEncoding::create(
      Views(vocabulary.tokens.begin(), vocabulary.tokens.end()), Views{"ab"}));
  CHECK(error.code == ErrorCode::model_corrupt);
}

TEST_CASE("texts of every length are told from each other") {
  Vocabulary vocabulary;
  std::string token(1, 'a');
  for (int i = 0; i < 100; ++i) {  // Each letter, in turn, is the one that differs.
    const std::string next(1, static_cast<char>('a' + i % 2));
    vocabulary.add(token, next);
    token += next;
  }
  const BytePairEncoding encoding = vocabulary.build();
  for (size_t length = 0; length <= token.size(); ++length) {
    std::string word = token.substr(0, length);
    CHECK(encode(encoding, word) == naive(vocabulary, word));
    for (char& c : word) {
      c ^= 3;  // a to b, and back.
      CHECK(encode(encoding, word) == naive(vocabulary, word));
      c ^= 3;
    }
  }
}

TEST_CASE("a vocabulary that cannot spell every byte is refused") {
  Vocabulary vocabulary;
  vocabulary.tokens.erase(vocabulary.tokens.begin() + 32);
  const auto error = unwrap_error(
      BytePairEncoding::create(Views(vocabulary.tokens.begin(), vocabulary.tokens.end()), {}));
  CHECK(error.code == ErrorCode::model_unsupported);
  CHECK(error.message == "key 'tokenizer.ggml.tokens' has no token '\u0120' for byte 0x20");
}

TEST_CASE("a merge that is not of two tokens into a third is refused") {
  for (const std::string_view merge : {"", " ", "ab", "a b", "a ", " a", "a b c", "a xy"}) {
    CAPTURE(merge);
    const Vocabulary vocabulary;
    const auto error = unwrap_error(BytePairEncoding::create(
        Views(vocabulary.tokens.begin(), vocabulary.tokens.end()), Views{merge}));
    CHECK(error.code == ErrorCode::model_corrupt);
    CHECK(error.message == "key 'tokenizer.ggml.merges' has '" + std::string(merge) +
                               "' at 0, which is not of tokens");
  }
}
