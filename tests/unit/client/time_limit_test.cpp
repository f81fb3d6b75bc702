#include "client/time_limit.hpp"

#include <future>

#include "support/result_matchers.hpp"

using runed::Error;
using runed::ErrorCode;
using runed::client::TimeLimit;
using runed::test::unwrap;
using namespace std::chrono_literals;

TEST_CASE("a step that lasts too long is told, once") {
  std::promise<Error> told;
  auto limit = unwrap(TimeLimit::start([&](const Error& error) { told.set_value(error); }));
  const TimeLimit::Step step(*limit, 1ms);
  auto error = told.get_future();
  REQUIRE(error.wait_for(10s) == std::future_status::ready);
  CHECK(error.get().code == ErrorCode::deadline_exceeded);
}

TEST_CASE("steps that end in time are not told, and neither is the time between them") {
  bool is_told = false;
  {
    auto limit = unwrap(TimeLimit::start([&](const Error&) { is_told = true; }));
    for (int i = 0; i < 100; ++i) const TimeLimit::Step step(*limit, 1h);
  }
  CHECK_FALSE(is_told);
}
