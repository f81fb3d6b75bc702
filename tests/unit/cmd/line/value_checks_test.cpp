#include "cmd/line/value_checks.hpp"

#include "support/catch.hpp"

using namespace runed::cmd;

TEST_CASE("a value in its range passes") {
  for (const char* text : {"0.001", "1", "31622400", "1e3"}) CHECK(check_seconds(text).empty());
  for (const char* text : {"0", "0.0", "31622400"}) CHECK(check_seconds_or_none(text).empty());
  for (const char* text : {"0", "7", "9"}) CHECK(check_whole_number(text, 0, 9).empty());
  for (const char* text : {"-1", "0", "64", "99999999999999"}) {
    CHECK(check_dimension_number(text).empty());
  }
  CHECK(check_choice("left", {"left", "right"}).empty());
}

TEST_CASE("a value out of its range is refused with the range, in digits that can be read") {
  for (const char* text : {"0", "-1", "x", "", "1s", "nan", "inf", "1e999", "31622401"}) {
    CAPTURE(text);
    CHECK(check_seconds(text) ==
          "'" + std::string(text) + "' is not a number of seconds above 0, up to 31622400");
  }
  CHECK(check_seconds_or_none("-1") == "'-1' is not a number of seconds from 0 to 31622400");
  CHECK(check_seconds_or_none("nan") == "'nan' is not a number of seconds from 0 to 31622400");
  CHECK(check_whole_number("1.5", 0, 9) == "'1.5' is not a whole number from 0 to 9");
  CHECK(check_whole_number("10", 0, 9) == "'10' is not a whole number from 0 to 9");
  CHECK(check_dimension_number("many").find("'many' is not a whole number from 1 to ") == 0);
  CHECK(check_choice("lefft", {"left", "right"}) ==
        "'lefft' is none of left, right; did you mean 'left'?");
  CHECK(check_choice("middle", {"left", "right"}) == "'middle' is none of left, right");
}
