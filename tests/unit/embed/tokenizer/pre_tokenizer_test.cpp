#include "embed/tokenizer/pre_tokenizer.hpp"

#include "support/result_matchers.hpp"

using runed::embed::PreTokenizer;
using runed::test::unwrap;

namespace {

using Words = std::vector<std::string_view>;

Words split(std::string_view text) {
  static const PreTokenizer pre_tokenizer = unwrap(PreTokenizer::create());
  return unwrap(pre_tokenizer.split(text));
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

TEST_CASE("white space is what Unicode says, not what PCRE2 says") {
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
  CHECK(split(letters) == Words{letters});
  // More than PCRE2's own match limit, and each a step back.
  const std::string spaces(12'000'000, ' ');
  CHECK(split(spaces + "x").size() == 2);
}
