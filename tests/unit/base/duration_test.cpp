#include "base/duration.hpp"

#include <cmath>

#include "support/result_matchers.hpp"

using runed::format_duration;
using runed::parse_duration;
using runed::test::unwrap;
using runed::test::unwrap_error;
using namespace std::chrono_literals;

TEST_CASE("durations are read in Go's syntax") {
  CHECK(unwrap(parse_duration("30s")) == 30s);
  CHECK(unwrap(parse_duration("1h30m")) == 90min);
  CHECK(unwrap(parse_duration("1.5h")) == 90min);
  CHECK(unwrap(parse_duration(".5s")) == 500ms);
  CHECK(unwrap(parse_duration("100us")) == 100us);
  CHECK(unwrap(parse_duration("100\u00b5s")) == 100us);
  CHECK(unwrap(parse_duration("7ns")) == 7ns);
  CHECK(unwrap(parse_duration("0")) == 0s);
  CHECK(unwrap(parse_duration("+2m")) == 2min);
  CHECK(unwrap(parse_duration("-2m")) == -2min);
}

TEST_CASE("a duration without a unit, a number or an end is refused by name") {
  for (const char* text : {"", "10", "s", "1d", "1h30", "ten", "-", ".s", "1 s", "9999999h"}) {
    CAPTURE(text);
    const runed::Error error = unwrap_error(parse_duration(text));
    CHECK(error.code == runed::ErrorCode::invalid_argument);
    CHECK(error.message == std::string("invalid duration '") + text + "'");
    CHECK(error.hint.find("10m") != std::string::npos);
  }
}

TEST_CASE("durations are shown in the units that are exact") {
  CHECK(format_duration(0s) == "0s");
  CHECK(format_duration(250ms) == "250ms");
  CHECK(format_duration(1500ms) == "1.5s");
  CHECK(format_duration(10min) == "10m");
  CHECK(format_duration(5400s) == "1h30m");
  CHECK(format_duration(-2min) == "-2m");
}

TEST_CASE("a duration that was formatted is read as itself, to the nanosecond") {
  CHECK(format_duration(1ns) == "0.000001ms");
  CHECK(format_duration(1'000'000'001ns) == "1.000000001s");
  CHECK(format_duration(2562047h + 47min + 16854775807ns) == "2562047h47m16.854775807s");
  for (const auto duration :
       {1ns, 999'999'999ns, 59'999'999'999ns, 9'223'372'036'854'775'807ns, -1'234'567'890ns}) {
    CHECK(unwrap(parse_duration(format_duration(duration))) == duration);
  }
}

TEST_CASE("a duration that leaves 64 bits of nanoseconds is refused, endless digits are not") {
  CHECK(unwrap_error(parse_duration("2562047h47m16.854775808s")).code ==
        runed::ErrorCode::invalid_argument);
  CHECK(unwrap_error(parse_duration("99999999999999999999ns")).code ==
        runed::ErrorCode::invalid_argument);
  CHECK(unwrap(parse_duration("0.5000000000000000000000000001s")) == 500ms);
}

TEST_CASE("seconds of a command line become milliseconds, endless ones a year") {
  CHECK(runed::to_milliseconds(0) == 0ms);
  CHECK(runed::to_milliseconds(0.25) == 250ms);
  CHECK(runed::to_milliseconds(1e300) == runed::to_milliseconds(INFINITY));
  CHECK(runed::to_milliseconds(INFINITY) == 24h * 365);
}
