#include "embed/tokenizer/special_tokens.hpp"

#include "support/result_matchers.hpp"

using runed::embed::SpecialTokens;
using runed::test::unwrap;
using runed::test::unwrap_error;

namespace {

SpecialTokens special_of(const std::vector<std::string_view>& tokens,
                         const std::vector<int32_t>& types) {
  return unwrap(SpecialTokens::create(tokens, types));
}

}  // namespace

TEST_CASE("control and added tokens are special, the others are not") {
  const SpecialTokens special = special_of({"a", "<c>", "<u>", "<byte>", "<pad>"}, {1, 3, 4, 6, 5});
  CHECK(special.find("x<c>", 0)->id == 1);
  CHECK(special.find("x<u>", 0)->id == 2);
  CHECK_FALSE(special.find("a<byte><pad>", 0).has_value());
}

TEST_CASE("the first match is found, and the longest of those there") {
  const SpecialTokens special = special_of({"<a>", "<a><b>", "b>", ""}, {3, 3, 4, 4});
  const auto match = special.find("..<a><b>", 0);
  REQUIRE(match.has_value());
  CHECK(match->offset == 2);
  CHECK(match->length == 6);
  CHECK(match->id == 1);
  CHECK(special.find("..<a><b>", 3)->offset == 6);
  CHECK_FALSE(special.find("..<a><b>", 7).has_value());
  CHECK_FALSE(special.find("<a", 0).has_value());
}

TEST_CASE("a special token that is not UTF-8 is refused") {
  const std::vector<std::string_view> tokens{"\x82"};
  const auto error = unwrap_error(SpecialTokens::create(tokens, std::vector<int32_t>{3}));
  CHECK(error.code == runed::ErrorCode::model_corrupt);
  CHECK(error.message == "special token 0 '\\x82' is not UTF-8");
}
