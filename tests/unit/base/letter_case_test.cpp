#include "base/letter_case.hpp"

#include "support/catch.hpp"

TEST_CASE("letters of ASCII get lower case, and nothing else changes") {
  CHECK(runed::in_lower_case("Q8_0 ÄZ @[`{") == "q8_0 Äz @[`{");
  CHECK(runed::in_lower_case("").empty());
}
