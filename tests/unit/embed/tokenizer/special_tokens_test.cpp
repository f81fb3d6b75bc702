#include "embed/tokenizer/special_tokens.hpp"

#include "embed/tokenizer/added_token_flags.hpp"
#include "support/gguf_builder.hpp"
#include "support/result_matchers.hpp"

using runed::embed::AddedTokenFlags;
using runed::embed::SpecialTokens;
using runed::embed::SpelledTokens;
using runed::embed::TokenId;
using runed::test::unwrap;
using runed::test::unwrap_error;

namespace {

using Pass = SpecialTokens::Pass;

SpecialTokens special_of(const std::vector<std::string_view>& tokens,
                         const std::vector<int32_t>& types, const AddedTokenFlags& flags = {}) {
  return unwrap(SpecialTokens::create(
      tokens, types, flags, [](std::string_view text) { return std::string(text) + "!"; }));
}

// Text as it is, tokens as their id and what they took: `x{1:<c>}y`.
std::string split(const SpecialTokens& special, std::string_view text, Pass pass = Pass::raw,
                  SpelledTokens spelled = SpelledTokens::parsed) {
  std::string result;
  for (const auto& piece : special.split(text, pass, spelled)) {
    CHECK((piece.id || !piece.text.empty()));
    result += piece.id ? "{" + std::to_string(*piece.id) + ":" + std::string(piece.text) + "}"
                       : std::string(piece.text);
  }
  return result;
}

}  // namespace

TEST_CASE("control and added tokens are special, the others are not") {
  const SpecialTokens special = special_of({"a", "<c>", "<u>", "<byte>", "<pad>"}, {1, 3, 4, 6, 5});
  CHECK(split(special, "x<c>a<u>") == "x{1:<c>}a{2:<u>}");
  CHECK(split(special, "a<byte><pad>") == "a<byte><pad>");
  CHECK(split(special, "") == "");
  CHECK_FALSE(special.has_normalized());
  CHECK_FALSE(special.takes_space());
}

TEST_CASE("control tokens are text where they are not parsed, and runs of spaces are not") {
  const SpecialTokens special = special_of({"<c>", "  ", "<c>  <"}, {3, 4, 3});
  CHECK(split(special, "<c>  x", Pass::raw, SpelledTokens::plain) == "<c>{1:  }x");
  // What such a token would have covered is text too.
  CHECK(split(special, "<c>  <x", Pass::raw, SpelledTokens::plain) == "<c>  <x");
}

TEST_CASE("the first match is found, and the longest of those there") {
  const SpecialTokens special = special_of({"<a>", "<a><b>", "b>", "", "<a>"}, {3, 3, 4, 4, 3});
  CHECK(split(special, "..<a><b>") == "..{1:<a><b>}");
  CHECK(split(special, "<a><b") == "{0:<a>}<b");
  CHECK(split(special, "<ab>") == "<a{2:b>}");
  CHECK(split(special, "<a") == "<a");
}

TEST_CASE("white space beside a token is part of it, where its flags say so") {
  const SpecialTokens special =
      special_of({"<l>", "<r>", " "}, {3, 3, 4}, {.lstrip = {0}, .rstrip = {1}});
  CHECK(special.takes_space());
  CHECK(split(special, "a\u3000\t<l>\nb") == "a{0:\u3000\t<l>}\nb");
  CHECK(split(special, "a\n<r>\u00a0\nb") == "a\n{1:<r>\u00a0\n}b");
  CHECK(split(special, "<r>\n\n<l>") == "{1:<r>\n\n}{0:<l>}");
  // A token of white space is found all the same in what the one before took, as in the reference.
  CHECK(split(special, "<r>  \nb") == "{1:<r>  \n}{2: }{2: }\nb");
  // But not one that would take it along itself.
  const SpecialTokens both = special_of({"<r>", "\n"}, {3, 4}, {.lstrip = {1}, .rstrip = {0, 1}});
  CHECK(split(both, "<r> \n \nb \n") == "{0:<r> \n \n}b{1: \n}");
}

TEST_CASE("a token that is a word of its own is found where no word touches it") {
  const SpecialTokens special = special_of({"Q"}, {4}, {.single_word = {0}});
  CHECK(split(special, "Q-Q Q") == "{0:Q}-{0:Q} {0:Q}");
  CHECK(split(special, "QQ Q1 \u00e9Q Q_ Q\u0301 Q\u200d") == "QQ Q1 \u00e9Q Q_ Q\u0301 Q\u200d");
}

TEST_CASE("a normalised token is found in the second pass, as it is when it is normalised") {
  const SpecialTokens special = special_of({"<n>", "<c>"}, {4, 3}, {.normalized = {0}});
  CHECK(special.has_normalized());
  CHECK(split(special, "<n>!<c>") == "<n>!{1:<c>}");
  CHECK(split(special, "<n>!<n><c>", Pass::normalized) == "{0:<n>!}<n><c>");
}

TEST_CASE("thousands of added tokens are looked for at once") {
  std::vector<std::string> texts;
  for (int i = 0; i < 10'000; ++i) texts.push_back("<unused" + std::to_string(i) + ">");
  const std::vector<std::string_view> tokens(texts.begin(), texts.end());
  const SpecialTokens special = special_of(tokens, std::vector<int32_t>(tokens.size(), 4));
  std::string text;
  while (text.size() < 1 << 20) text += "<unused9999> <unused99999>";
  CHECK(special.split(text, Pass::raw, SpelledTokens::parsed).size() == 2 * (text.size() / 26));
}

TEST_CASE("flags are of tokens that there are") {
  const auto read = [](const std::vector<int32_t>& ids) {
    static std::vector<std::byte> bytes;
    bytes = runed::test::GgufBuilder().set("runed.tokenizer.added_tokens.lstrip", ids).build();
    return read_added_token_flags(unwrap(runed::embed::Gguf::parse(bytes)), 3);
  };
  CHECK(unwrap(read({2, 0})).lstrip == std::vector<TokenId>{2, 0});
  for (const int32_t id : {-1, 3}) {
    const auto error = unwrap_error(read({id}));
    CHECK(error.code == runed::ErrorCode::model_corrupt);
    CHECK(error.message == "key 'runed.tokenizer.added_tokens.lstrip' has " + std::to_string(id) +
                               ", and there are 3 tokens");
  }
}

TEST_CASE("a special token that is not UTF-8 is refused") {
  const std::vector<std::string_view> tokens{"\x82"};
  const auto error = unwrap_error(SpecialTokens::create(tokens, std::vector<int32_t>{3}));
  CHECK(error.code == runed::ErrorCode::model_corrupt);
  CHECK(error.message == "special token 0 '\\x82' is not UTF-8");
}
