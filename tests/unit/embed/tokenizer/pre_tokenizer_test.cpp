#include "embed/tokenizer/pre_tokenizer.hpp"

#include <functional>
#include <span>
#include <sstream>
#include <string>

#include "base/json.hpp"
#include "base/sha256.hpp"
#include "embed/tokenizer/nfc.hpp"
#include "support/read_file.hpp"
#include "support/result_matchers.hpp"

using runed::embed::PreTokenizer;
using runed::embed::SplitRule;
using runed::test::read_file;
using runed::test::unwrap;

namespace {

using Words = std::vector<std::string_view>;

Words split(std::string_view text, SplitRule rule = SplitRule::qwen2) {
  return PreTokenizer(rule).split(text);
}

Words gpt2(std::string_view text) {
  return split(text, SplitRule::gpt2);
}

Words llama3(std::string_view text) {
  return split(text, SplitRule::llama3);
}

std::string utf8(uint32_t point) {
  std::string text;
  const auto add = [&](uint32_t bits) { text += static_cast<char>(bits); };
  if (point < 0x80) {
    add(point);
  } else if (point < 0x800) {
    add(0xC0 | point >> 6);
    add(0x80 | (point & 0x3F));
  } else {
    if (point < 0x10000) {
      add(0xE0 | point >> 12);
    } else {
      add(0xF0 | point >> 18);
      add(0x80 | (point >> 12 & 0x3F));
    }
    add(0x80 | (point >> 6 & 0x3F));
    add(0x80 | (point & 0x3F));
  }
  return text;
}

// The texts of scripts/make-character-tables.
std::string text_of(uint32_t point) {
  const std::string c = utf8(point);
  return c + " a" + c + "b 1" + c + "2 !" + c + "? \t" + c + " \n" + c + "\n " + c + c + "'" + c +
         " '" + c + "e'l" + c;
}

std::string marks_of(uint32_t point) {
  const std::string c = utf8(point);
  return "a" + c + "\u0301 a\u302e" + c + "\u1b44 " + c + "\u0307 \U00011935" + c + " \uac00" + c;
}

// Where each word ends, in characters.
std::string ends_of(const std::string& text, SplitRule rule) {
  std::string ends;
  size_t end = 0;
  for (const std::string_view word : split(text, rule)) {
    for (const char byte : word) end += (byte & 0xC0) != 0x80 ? 1 : 0;
    if (!ends.empty()) ends += ' ';
    ends += std::to_string(end);
  }
  return ends + "\n";
}

// Compares what is made of each character with the reference, in blocks of them.
void check_digests(const std::string& name, const std::function<std::string(uint32_t)>& make) {
  static const auto bytes = read_file(RUNED_TEST_DATA "/byte_pair_characters.json");
  const runed::Json json =
      unwrap(runed::parse_json({reinterpret_cast<const char*>(bytes.data()), bytes.size()}));
  std::istringstream expected(json.at("digests").at(name).get<std::string>());
  const auto block = json.at("block").get<uint32_t>();
  for (uint32_t begin = 0; begin < 0x110000; begin += block) {
    if (begin == 0x40000) begin = 0xE0000;  // There are no characters between.
    std::string made;
    for (uint32_t point = begin; point < begin + block; ++point) {
      if (point < 0xD800 || point >= 0xE000) made += make(point);
    }
    std::string digest;
    expected >> digest;
    CAPTURE(name, begin);
    CHECK(runed::sha256_hex(std::as_bytes(std::span(made))).substr(0, 8) == digest);
  }
}

}  // namespace

TEST_CASE("words take the space or the sign before them") {
  CHECK(split("") == Words{});
  CHECK(split("Hello, world!") == Words{"Hello", ",", " world", "!"});
  CHECK(split("a (b) c::d") == Words{"a", " (", "b", ")", " c", "::", "d"});
  CHECK(split("\tx\u00a0y") == Words{"\tx", "\u00a0y"});
}

TEST_CASE("digits of every script stand alone") {
  CHECK(split("x12") == Words{"x", "1", "2"});
  CHECK(split(" 7") == Words{" ", "7"});
  CHECK(split("\u0663\u00bd\u2167") == Words{"\u0663", "\u00bd", "\u2167"});
}

TEST_CASE("English contractions are split off in any case") {
  CHECK(split("don't I'LL we'Ve") == Words{"don", "'t", " I", "'LL", " we", "'Ve"});
  CHECK(split("it'\u017f") == Words{"it", "'\u017f"});  // Long s is an s.
  CHECK(split("'sx") == Words{"'s", "x"});
  CHECK(split("'xs") == Words{"'xs"});
}

TEST_CASE("the last space of a run belongs to the word behind it") {
  CHECK(split("a   b") == Words{"a", "  ", " b"});
  CHECK(split("a  ") == Words{"a", "  "});
  CHECK(split("a \u3000b") == Words{"a", " ", "\u3000b"});
  CHECK(split("a  1") == Words{"a", " ", " ", "1"});
}

TEST_CASE("line ends close the run of spaces before them") {
  CHECK(split("a \r\n\r\n b") == Words{"a", " \r\n\r\n", " b"});
  CHECK(split("a.\n\nb") == Words{"a", ".\n\n", "b"});
  CHECK(split("a\n  b") == Words{"a", "\n", " ", " b"});
  CHECK(split("\u0085\n") == Words{"\u0085\n"});
  CHECK(split("\u2028a") == Words{"\u2028a"});
}

TEST_CASE("every character of Unicode is split off as by the reference") {
  check_digests("gpt2", [](uint32_t c) { return ends_of(text_of(c), SplitRule::gpt2); });
  check_digests("llama3", [](uint32_t c) { return ends_of(text_of(c), SplitRule::llama3); });
  check_digests("qwen2", [](uint32_t c) { return ends_of(text_of(c), SplitRule::qwen2); });
}

TEST_CASE("every character of Unicode is composed as by the reference") {
  check_digests("nfc", [](uint32_t c) {
    std::string storage;
    return std::string(runed::embed::to_nfc(marks_of(c), storage)) + "\n";
  });
}

TEST_CASE("GPT-2 gives a space to the word behind it, whatever it is of") {
  CHECK(gpt2("a (b) 12,  c") == Words{"a", " (", "b", ")", " 12", ",", " ", " c"});
  CHECK(gpt2("\tx \n\ny") == Words{"\t", "x", " \n", "\n", "y"});
  CHECK(gpt2("it's I'LL") == Words{"it", "'s", " I", "'", "LL"});
  CHECK(gpt2("a ") == Words{"a", " "});
}

TEST_CASE("Llama 3 takes three digits at a time") {
  CHECK(llama3("12345 x1") == Words{"123", "45", " x", "1"});
  CHECK(llama3("\u0663\u00bd\u21671") == Words{"\u0663\u00bd\u2167", "1"});
}

TEST_CASE("white space is what Unicode says") {
  CHECK(split("!\u180e!") == Words{"!\u180e!"});  // Not a space since Unicode 6.3.
  CHECK(split("!\u200b!") == Words{"!\u200b!"});  // Never one.
  CHECK(split("!\x1f!") == Words{"!\x1f!"});
  for (const char* space : {"\u0085", "\u00a0", "\u1680", "\u2003", "\u2029", "\u202f", "\u205f"}) {
    CAPTURE(space);
    CHECK(split(std::string("!") + space + "!") == Words{"!", space, "!"});
  }
}

TEST_CASE("a run of a million characters is split in one go") {
  const std::string letters(1 << 20, 'a');
  const std::string spaces(12'000'000, ' ');
  for (const SplitRule rule : {SplitRule::gpt2, SplitRule::llama3, SplitRule::qwen2}) {
    CHECK(split(letters, rule) == Words{letters});
    CHECK(split(spaces + "x", rule).size() == 2);
    CHECK(split("\n" + spaces + "x", rule).size() >= 2);
  }
}
