#include "daemon/models/quarantine.hpp"

#include <vector>

#include "support/catch.hpp"
#include "support/fake_clock.hpp"

using runed::ErrorCode;
using runed::make_error;
using runed::daemon::Quarantine;
using runed::embed::TokenId;
using runed::test::FakeClock;
using namespace std::chrono_literals;

TEST_CASE("a text is found again by its ids, with its own error") {
  const FakeClock clock;
  Quarantine quarantine(clock, 10min);
  const std::vector<TokenId> culprit{1, 2, 3};
  CHECK_FALSE(quarantine.find(culprit).has_value());
  quarantine.add(culprit, make_error(ErrorCode::not_finite, "not finite"));
  const auto found = quarantine.find(culprit);
  REQUIRE(found.has_value());
  CHECK(found->code == ErrorCode::not_finite);
  CHECK(found->message == "not finite");
  CHECK_FALSE(quarantine.find(std::vector<TokenId>{1, 2}).has_value());
}

TEST_CASE("of more than a thousand texts the oldest are forgotten") {
  const FakeClock clock;
  Quarantine quarantine(clock, 10min);
  for (TokenId id = 0; id < 1002; ++id) {
    quarantine.add(std::vector<TokenId>{id}, make_error(ErrorCode::not_finite, "{}", id));
  }
  CHECK_FALSE(quarantine.find(std::vector<TokenId>{0}).has_value());
  CHECK_FALSE(quarantine.find(std::vector<TokenId>{1}).has_value());
  CHECK(quarantine.find(std::vector<TokenId>{2}).has_value());
  CHECK(quarantine.find(std::vector<TokenId>{1001}).has_value());
}

TEST_CASE("a text that is added twice takes one place") {
  const FakeClock clock;
  Quarantine quarantine(clock, 10min);
  for (size_t i = 0; i < 2 * Quarantine::kMostTexts; ++i) {
    quarantine.add(std::vector<TokenId>{7}, make_error(ErrorCode::not_finite, "x"));
  }
  for (TokenId id = 100; id < 100 + Quarantine::kMostTexts - 1; ++id) {
    quarantine.add(std::vector<TokenId>{id}, make_error(ErrorCode::not_finite, "x"));
  }
  CHECK(quarantine.find(std::vector<TokenId>{7}).has_value());
}

TEST_CASE("a text is forgotten in time, and remembered anew when it is added again") {
  FakeClock clock;
  Quarantine quarantine(clock, 10min);
  const std::vector<TokenId> culprit{7};
  quarantine.add(culprit, make_error(ErrorCode::not_finite, "x"));
  clock.advance(599s);
  CHECK(quarantine.find(culprit).has_value());
  clock.advance(1s);
  CHECK_FALSE(quarantine.find(culprit).has_value());
  quarantine.add(culprit, make_error(ErrorCode::internal, "y"));
  REQUIRE(quarantine.find(culprit).has_value());
  CHECK(quarantine.find(culprit)->code == ErrorCode::internal);
}
