#include "base/json.hpp"

#include "support/result_matchers.hpp"

using runed::ErrorCode;
using runed::Json;
using runed::parse_json;
using runed::test::unwrap;
using runed::test::unwrap_error;

namespace {

std::string nested(size_t levels, const std::string& open, const std::string& close) {
  std::string text;
  for (size_t i = 0; i < levels; ++i) text += open;
  text += "1";
  for (size_t i = 0; i < levels; ++i) text += close;
  return text;
}

std::string message_of(const std::string& text) {
  const runed::Error error = unwrap_error(parse_json(text));
  CHECK(error.code == ErrorCode::bad_input);
  return error.message;
}

// An object of so many keys.
std::string wide(int keys) {
  std::string text = "{";
  for (int i = 0; i < keys; ++i) text += fmt::format("{}\"{}\":1", i == 0 ? "" : ",", i);
  return text + "}";
}

}  // namespace

TEST_CASE("JSON with a fault or a tail names the byte") {
  CHECK(unwrap(parse_json(R"({"a":1})"))["a"] == 1);
  CHECK(message_of("{} {}") == "invalid JSON at byte 4");
  CHECK(message_of("") == "invalid JSON at byte 1");
  CHECK(message_of("{\"a\":\"\xff\"}") == "invalid JSON at byte 7");
}

TEST_CASE("a JSON number that is out of range is an error") {
  CHECK(message_of(R"({"a":1e999})") == "invalid JSON at byte 10: a number is out of range");
}

TEST_CASE("JSON may be nested so deep and no deeper, however deep it is") {
  CHECK(unwrap(parse_json(nested(runed::kMostJsonLevels, "[", "]"))).is_array());
  CHECK(unwrap(parse_json(nested(runed::kMostJsonLevels, "{\"a\":", "}"))).is_object());
  for (const size_t levels : {size_t{65}, size_t{80'000}, size_t{2'000'000}}) {
    CAPTURE(levels);
    CHECK(message_of(nested(levels, "[", "]")) ==
          "invalid JSON at byte 65: nested deeper than 64 levels");
    CHECK(message_of(nested(levels, "{\"a\":", "}")) ==
          "invalid JSON at byte 321: nested deeper than 64 levels");
    // One that is not even closed.
    CHECK(message_of(std::string(levels, '[')) ==
          "invalid JSON at byte 65: nested deeper than 64 levels");
  }
  // Not in a text, and not one after another.
  CHECK(unwrap(parse_json("\"" + std::string(80'000, '[') + "\"")).is_string());
  std::string row = "[[]";
  for (int i = 0; i < 1000; ++i) row += ",[]";
  CHECK(unwrap(parse_json(row + "]")).size() == 1001);
}

TEST_CASE("a key that is there twice is an error: which of them is meant?") {
  CHECK(message_of(R"({"a":1,"b":{"a":2},"a":3})") ==
        "invalid JSON at byte 22: the key 'a' is there twice");
  CHECK(message_of(R"([{"a\u0001":1,"a\u0001":1}])") ==
        "invalid JSON at byte 23: the key 'a\\x01' is there twice");
  CHECK(unwrap(parse_json(R"([{"a":1},{"a":2}])")).size() == 2);
}

TEST_CASE("JSON with more keys than can be looked through in time is an error") {
  CHECK(unwrap(parse_json(wide(10'000))).size() == 10'000);
  CHECK(message_of(wide(50'000)).ends_with(": too many keys"));
  std::string many = "[0";
  for (int i = 0; i < 1000; ++i) many += "," + wide(1000);
  CHECK(message_of(many + "]").ends_with(": too many keys"));
}

TEST_CASE("who reads keys one after another may have any number of them, in their order") {
  const Json json = unwrap(parse_json(wide(50'000), runed::KeyLimit::none));
  REQUIRE(json.size() == 50'000);
  int next = 0;
  for (const auto& [key, value] : json.items()) REQUIRE(key == std::to_string(next++));
  CHECK(unwrap_error(parse_json(R"({"a":1,"a":3})", runed::KeyLimit::none)).message ==
        "invalid JSON at byte 10: the key 'a' is there twice");
}

TEST_CASE("JSON is UTF-8, whatever is in it") {
  const Json json = {{"a", {1, "\xff", {{"k\xc3", "v"}}}}, {"b", "\u20ac"}};
  CHECK(runed::to_line(json) == R"({"a":[1,"\\xff",{"k\\xc3":"v"}],"b":")"
                                "\u20ac\"}");
  CHECK(runed::to_lines({{"a", "\xff"}}) == "{\n  \"a\": \"\\\\xff\"\n}");
}
