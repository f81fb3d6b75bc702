#include "base/log.hpp"

#include "support/catch.hpp"

TEST_CASE("log times are UTC with milliseconds") {
  using namespace std::chrono_literals;
  CHECK(runed::format_time(runed::SystemTime{} + 86'400s + 7ms) == "1970-01-02T00:00:00.007Z");
}
