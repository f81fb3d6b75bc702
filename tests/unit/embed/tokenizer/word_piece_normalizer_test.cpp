#include "embed/tokenizer/word_piece_normalizer.hpp"

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "base/json.hpp"
#include "base/sha256.hpp"
#include "base/text.hpp"
#include "support/read_file.hpp"
#include "support/result_matchers.hpp"

using runed::Json;
using runed::embed::WordPieceNormalizer;
using runed::test::read_file;
using runed::test::unwrap;

namespace {

using Options = WordPieceNormalizer::Options;
using Words = std::vector<std::string>;

Words words_of(std::string_view text, const Options& options = {}) {
  Words words;
  WordPieceNormalizer(options).for_each_word(
      text, [&](std::string_view word) { words.emplace_back(word); });
  return words;
}

std::string spell(uint32_t point) {
  const auto byte = [](uint32_t bits) { return static_cast<char>(bits); };
  if (point < 0x80) return {byte(point)};
  const char last = byte(0x80 | (point & 0x3F));
  if (point < 0x800) return {byte(0xC0 | point >> 6), last};
  const char third = byte(0x80 | (point >> 6 & 0x3F));
  if (point < 0x10000) return {byte(0xE0 | point >> 12), third, last};
  return {byte(0xF0 | point >> 18), byte(0x80 | (point >> 12 & 0x3F)), third, last};
}

// As scripts/make-word-piece-tables has it: alone, inside a word, and between marks that stay.
std::string digest_of(const WordPieceNormalizer& normalizer, uint32_t begin, uint32_t end) {
  std::string all;
  for (uint32_t point = begin; point < end; ++point) {
    if (point >= 0xD800 && point < 0xE000) continue;
    const std::string c = spell(point);
    normalizer.for_each_word(c + " A" + c + "b\u302e" + c + "\u1b44",
                             [&](std::string_view word) { all.append(word) += '\n'; });
    all += '\n';
  }
  return runed::sha256_hex(all).substr(0, 8);
}

}  // namespace

TEST_CASE("every character of Unicode becomes what the reference makes of it") {
  const auto bytes = read_file(RUNED_TEST_DATA "/word_piece_characters.json");
  const Json reference =
      unwrap(runed::parse_json({reinterpret_cast<const char*>(bytes.data()), bytes.size()}));
  const auto block = reference.at("block").get<uint32_t>();
  const std::vector<std::pair<std::string, Options>> all{
      {"uncased", {}},
      {"cased", {.strip_accents = false, .lowercase = false}},
      {"lowercase", {.strip_accents = false}},
      {"accents", {.lowercase = false}},
      {"as_it_is", {.clean_text = false, .split_cjk = false}},
  };
  REQUIRE(reference.at("digests").size() == all.size());
  for (const auto& [name, options] : all) {
    const auto text = reference.at("digests").at(name).get<std::string>();
    const auto digests = runed::split(text, ' ');
    REQUIRE(digests.size() * block == 0x110000);
    const WordPieceNormalizer normalizer(options);
    for (uint32_t i = 0; i < digests.size(); ++i) {
      CAPTURE(name, i * block);
      CHECK(digest_of(normalizer, i * block, (i + 1) * block) == digests[i]);
    }
  }
}

TEST_CASE("text is split at white space and around punctuation") {
  CHECK(words_of("Don't stop!  a^b") == Words{"don", "'", "t", "stop", "!", "a", "^", "b"});
  CHECK(words_of("a\u2028b\u2029c\u00a0d\u3000e\tf") == Words{"a", "b", "c", "d", "e", "f"});
  CHECK(words_of("").empty());
  CHECK(words_of(" \t\u200b\u00ad\ufeff").empty());
}

TEST_CASE("controls are deleted, and words join where they were") {
  const Options as_they_are{.clean_text = false};
  CHECK(words_of("a\vb a\fb a\u0085b") == Words{"ab", "ab", "ab"});
  CHECK(words_of(std::string_view("a\0b", 3)) == Words{"ab"});
  CHECK(words_of("a\u200bb\ufffd") == Words{"ab"});
  CHECK(words_of("a\u200bb a\vb", as_they_are) == Words{"a\u200bb", "a", "b"});
}

TEST_CASE("CJK characters are words of their own, but for those that the reference forgot") {
  CHECK(words_of("中文abc日本") == Words{"中", "文", "abc", "日", "本"});
  CHECK(words_of("中文 a中", {.split_cjk = false}) == Words{"中文", "a中"});
  CHECK(words_of("\U0002b81fa\U0002b820b\U0002b91fc\U0002b920d") ==
        Words{"\U0002b81f", "a\U0002b820b\U0002b91fc", "\U0002b920", "d"});
}

TEST_CASE("accents go, composed or not, and marks that have a width stay") {
  CHECK(words_of("Éte\u0301") == Words{"ete"});
  CHECK(words_of("हिन्दी") == Words{"\u0939\u093f\u0928\u0926\u0940"});
  CHECK(words_of("한") == Words{"\u1112\u1161\u11ab"});
  CHECK(words_of("\u1fef") == Words{"`"});
  CHECK(words_of("É e\u0301", {.strip_accents = false}) == Words{"é", "e\u0301"});
}

TEST_CASE("marks that stay are in the order of form D, each run by itself") {
  CHECK(words_of("a\u302e\u1b44b\u302e\u1b44") == Words{"a\u1b44\u302eb\u1b44\u302e"});
  // A mark of class 0 that is dropped parts them, one of another class does not.
  CHECK(words_of("a\u302e\u0301\u1b44") == Words{"a\u1b44\u302e"});
  CHECK(words_of("a\u302e\ufe0f\u1b44") == Words{"a\u302e\u1b44"});
  CHECK(words_of("a\u302e \u1b44") == Words{"a\u302e", "\u1b44"});
}

TEST_CASE("lower case is that of each character alone") {
  CHECK(words_of("ΌΔΟΣ ΣΣ") == Words{"οδοσ", "σσ"});
  CHECK(words_of("İ ẞ ǅ") == Words{"i", "ß", "ǆ"});
  CHECK(words_of("İ", {.strip_accents = false}) == Words{"i\u0307"});
  CHECK(words_of("ABC É", {.lowercase = false}) == Words{"ABC", "E"});
}

TEST_CASE("a word that is too long comes cut to one character more than may be") {
  const std::string longest(100, 'x');
  CHECK(words_of(longest + " y") == Words{longest, "y"});
  CHECK(words_of(longest + "x y") == Words{longest + "x", "y"});
  CHECK(words_of(longest + "xxxx" + longest + ".") == Words{longest + "x", "."});
  std::string accents;
  for (int i = 0; i < 150; ++i) accents += "\u4e00\u0301\U00010400";
  CHECK(words_of(accents, {.split_cjk = false, .lowercase = false}).at(0).size() ==
        51 * 3 + 50 * 4);
}

TEST_CASE("a million marks are put in order in a moment") {
  std::string text = "a";
  for (int i = 0; i < 500'000; ++i) text += i % 2 == 0 ? "\u302e" : "\u1b44";
  const Words words = words_of(text);
  REQUIRE(words.size() == 1);
  CHECK(words[0].substr(0, 4) == "a\u1b44");
}
