#include "embed/tokenizer/word_piece_encoder.hpp"

#include <string>
#include <string_view>
#include <vector>

#include "support/catch.hpp"

using runed::embed::spelled;
using runed::embed::TokenId;
using runed::embed::WordPieceEncoder;

namespace {

using Ids = std::vector<TokenId>;

constexpr TokenId kUnknown = 0;

// As llama.cpp's converter spells them.
struct Vocabulary {
  explicit Vocabulary(std::vector<std::string_view> of_tokens)
      : tokens(std::move(of_tokens)), types(tokens.size(), 1) {
    types[kUnknown] = 3;
  }

  Ids ids(std::string_view word) const {
    Ids ids{7};
    WordPieceEncoder(tokens, types, kUnknown).encode(word, ids);
    CHECK(ids.front() == 7);  // What was there stays.
    return {ids.begin() + 1, ids.end()};
  }

  std::vector<std::string_view> tokens;
  std::vector<int32_t> types;
};

}  // namespace

TEST_CASE("a token is read as the converter spells it") {
  const auto is = [](std::string_view token, int32_t type, std::string_view text, bool initial) {
    const auto piece = spelled(token, type);
    return piece.text == text && piece.is_initial == initial;
  };
  CHECK(is("▁word", 1, "word", true));
  CHECK(is("word", 1, "word", false));
  CHECK(is("[CLS]", 3, "[CLS]", true));
  CHECK(is("▁<tool>", 4, "<tool>", true));
  CHECK(is("▁▁", 1, "▁", true));
  CHECK(is("▁", 1, "▁", false));
}

TEST_CASE("a word is the longest token that it begins with, and then the longest that goes on") {
  const Vocabulary vocabulary(
      {"[UNK]", "▁un", "▁una", "aff", "affable", "▁affable", "able", "ff", "▁u"});
  CHECK(vocabulary.ids("unaffable") == Ids{2, 7, 6});
  CHECK(vocabulary.ids("unffable") == Ids{1, 7, 6});
  CHECK(vocabulary.ids("unaffab") == Ids{kUnknown});
  CHECK(vocabulary.ids("affable") == Ids{5});
  CHECK(vocabulary.ids("uaffable") == Ids{8, 4});
}

TEST_CASE("a word that does not come out even is one unknown token") {
  const Vocabulary vocabulary({"[UNK]", "▁a", "b"});
  CHECK(vocabulary.ids("abbb") == Ids{1, 2, 2, 2});
  CHECK(vocabulary.ids("abbbx") == Ids{kUnknown});
  CHECK(vocabulary.ids("b") == Ids{kUnknown});
}

TEST_CASE("of equal tokens the first counts, and one that is unused does not") {
  Vocabulary vocabulary({"[UNK]", "▁a", "▁a", "a", "a"});
  CHECK(vocabulary.ids("aa") == Ids{1, 3});
  vocabulary.types[1] = 5;
  CHECK(vocabulary.ids("aa") == Ids{2, 3});
}

TEST_CASE("no token ends inside a character") {
  const Vocabulary vocabulary({"[UNK]", "▁a\xC3", "\xA9", "▁a", "é"});
  CHECK(vocabulary.ids("aé") == Ids{3, 4});
}

TEST_CASE("a word of more than a hundred characters is unknown, whatever its bytes") {
  const Vocabulary vocabulary({"[UNK]", "▁é", "é", "▁x", "x"});
  const auto times = [](int count, std::string_view text) {
    std::string all;
    for (int i = 0; i < count; ++i) all += text;
    return all;
  };
  CHECK(vocabulary.ids(times(100, "é")).size() == 100);
  CHECK(vocabulary.ids(times(101, "é")) == Ids{kUnknown});
  CHECK(vocabulary.ids(times(100, "x")).size() == 100);
  CHECK(vocabulary.ids(times(101, "x")) == Ids{kUnknown});
}

TEST_CASE("tokens that are empty or longer than any word do no harm") {
  const std::string longer(1000, 'x');
  const std::string longest(400, 'y');
  const std::string initial = "▁" + longer;
  const Vocabulary vocabulary({"[UNK]", "", initial, longer, "▁x", "x", longest});
  CHECK(vocabulary.ids("xx") == Ids{4, 5});
  CHECK(vocabulary.ids("z") == Ids{kUnknown});
}
