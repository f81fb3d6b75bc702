#include "bootstrap/fetch/retry_policy.hpp"

#include <vector>

#include "support/catch.hpp"

using runed::ErrorCode;
using runed::make_error;
using runed::bootstrap::DownloadPolicy;
using runed::bootstrap::Failure;
using runed::bootstrap::RetryPolicy;
using runed::bootstrap::Watch;
using namespace std::chrono_literals;

namespace {

using Clock = std::chrono::steady_clock;

Failure passing(std::chrono::seconds retry_after = 0s) {
  return {make_error(ErrorCode::network, "cannot fetch 'http://h/f': HTTP 503"),
          Failure::Remedy::retry, retry_after};
}

}  // namespace

TEST_CASE("tries are waited for, longer each time, until there were enough") {
  std::vector<std::string> events;
  const Watch watch{.on_event = [&](const std::string& text) { events.push_back(text); }};
  const DownloadPolicy policy{.attempts = 4, .first_wait = 8ms};
  RetryPolicy retries(policy, watch);
  std::vector<Clock::duration> waits;
  for (int i = 0; i < 3; ++i) {
    const auto start = Clock::now();
    REQUIRE_FALSE(retries.wait(passing()).has_value());
    waits.push_back(Clock::now() - start);
  }
  CHECK(waits[0] >= 4ms);
  CHECK(waits[1] >= 8ms);
  CHECK(waits[2] >= 16ms);
  REQUIRE(events.size() == 3);
  CHECK(events[0].find("retrying in ") == 0);
  CHECK(events[0].ends_with("ms: cannot fetch 'http://h/f': HTTP 503"));
  const auto over = retries.wait(passing());
  REQUIRE(over.has_value());
  CHECK(over->remedy == Failure::Remedy::next_url);
  CHECK(over->error.message == "cannot fetch 'http://h/f': HTTP 503 (4 attempts)");
}

TEST_CASE("a try that brought something makes the count begin again") {
  const Watch watch;
  const DownloadPolicy policy{.attempts = 2, .first_wait = 1ms};
  RetryPolicy retries(policy, watch);
  for (int i = 0; i < 5; ++i) {
    CHECK_FALSE(retries.wait(passing()).has_value());
    retries.reset();
  }
}

TEST_CASE("no wait is longer than the longest") {
  const Watch watch;
  const DownloadPolicy policy{.attempts = 100, .first_wait = 1ms, .longest_wait = 2ms};
  RetryPolicy retries(policy, watch);
  const auto start = Clock::now();
  for (int i = 0; i < 60; ++i) CHECK_FALSE(retries.wait(passing()).has_value());
  CHECK(Clock::now() - start < 5s);
}

TEST_CASE("a server that asks for too long a wait is given up, and that is told") {
  const Watch watch;
  const DownloadPolicy policy;
  RetryPolicy retries(policy, watch);
  const auto over = retries.wait(passing(3600s));
  REQUIRE(over.has_value());
  CHECK(over->remedy == Failure::Remedy::next_url);
  CHECK(over->error.message ==
        "cannot fetch 'http://h/f': HTTP 503, and the server asks to wait for 1h");
}

TEST_CASE("a wait can be cancelled") {
  const auto start = Clock::now();
  const Watch watch{.is_cancelled = [&] { return Clock::now() - start > 50ms; }};
  const DownloadPolicy policy{.first_wait = 60s};
  RetryPolicy retries(policy, watch);
  const auto over = retries.wait(passing(30s));
  REQUIRE(over.has_value());
  CHECK(over->error.code == ErrorCode::cancelled);
  CHECK(over->remedy == Failure::Remedy::give_up);
  CHECK(Clock::now() - start < 500ms);
}
