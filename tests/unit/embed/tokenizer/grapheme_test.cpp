#include "embed/tokenizer/grapheme.hpp"

#include <string>
#include <vector>

#include "support/catch.hpp"

using runed::embed::first_character;
using runed::embed::first_cluster;

namespace {

std::vector<std::string> clusters(std::string_view text) {
  std::vector<std::string> parts;
  while (!text.empty()) {
    const size_t length = first_cluster(text);
    REQUIRE(length > 0);
    REQUIRE(length <= text.size());
    parts.emplace_back(text.substr(0, length));
    text.remove_prefix(length);
  }
  return parts;
}

using Parts = std::vector<std::string>;

}  // namespace

TEST_CASE("a character of any length is decoded") {
  for (const auto& [text, point] :
       std::vector<std::pair<std::string, char32_t>>{{"a", U'a'},
                                                     {"\u00e9", U'\u00e9'},
                                                     {"\u2581", U'\u2581'},
                                                     {"\U0001F600", U'\U0001F600'}}) {
    CHECK(first_character(text + "z").point == point);
    CHECK(first_character(text + "z").length == text.size());
  }
}

// Source: Unicode Standard Annex #29, the rules GB3 to GB13.
TEST_CASE("clusters are what the rules of Unicode join") {
  CHECK(clusters("ab\r\n\n\r") == Parts{"a", "b", "\r\n", "\n", "\r"});
  CHECK(clusters("a\u0301\u0308b\n\u0301") == Parts{"a\u0301\u0308", "b", "\n", "\u0301"});
  CHECK(clusters("\u1100\u1161\u11a8\uac00\u11a8\u1100") ==
        Parts{"\u1100\u1161\u11a8", "\uac00\u11a8", "\u1100"});
  CHECK(clusters("\u0600\u0661x\u0600\n") == Parts{"\u0600\u0661", "x", "\u0600", "\n"});
  CHECK(clusters("\u0915\u0903\u0915") == Parts{"\u0915\u0903", "\u0915"});
  CHECK(clusters("\u0915\u094d\u200d\u0937x") == Parts{"\u0915\u094d\u200d\u0937", "x"});
  CHECK(clusters("\u0915\u094dx\u0937") == Parts{"\u0915\u094d", "x", "\u0937"});
  CHECK(clusters("\U0001F469\u200d\U0001F469\U0001F469") ==
        Parts{"\U0001F469\u200d\U0001F469", "\U0001F469"});
  CHECK(clusters("a\u200d\U0001F469") == Parts{"a\u200d", "\U0001F469"});
  CHECK(clusters("\U0001F1E9\U0001F1EA\U0001F1EB\U0001F1F7\U0001F1F7") ==
        Parts{"\U0001F1E9\U0001F1EA", "\U0001F1EB\U0001F1F7", "\U0001F1F7"});
}

TEST_CASE("marks that Unicode got after utf8proc go on a cluster") {
  CHECK(clusters("a\u0897b") == Parts{"a\u0897", "b"});
  CHECK(clusters("a\u1acf") == Parts{"a\u1acf"});
}
