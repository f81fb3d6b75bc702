#include "daemon/models/restart_budget.hpp"

#include "support/catch.hpp"
#include "support/fake_clock.hpp"

using runed::daemon::doubled;
using runed::daemon::RestartBudget;
using runed::daemon::RestartPolicy;
using runed::test::FakeClock;
using namespace std::chrono_literals;

namespace {

struct Fixture {
  std::optional<std::chrono::nanoseconds> charge() { return budget.charge(clock.steady_now()); }
  bool is_spent() const { return budget.is_spent(clock.steady_now()); }

  FakeClock clock;
  RestartBudget budget{RestartPolicy{}};
};

}  // namespace

TEST_CASE("a wait is doubled up to the longest") {
  CHECK(doubled(1s, 0, 30s) == 1s);
  CHECK(doubled(1s, 4, 30s) == 16s);
  CHECK(doubled(1s, 5, 30s) == 30s);
  CHECK(doubled(1s, 1'000'000, 30s) == 30s);
}

TEST_CASE("three restarts are had, each after twice the wait, and no fourth") {
  Fixture fixture;
  CHECK(fixture.charge() == 1s);
  CHECK(fixture.charge() == 2s);
  CHECK_FALSE(fixture.is_spent());
  CHECK(fixture.charge() == 4s);
  CHECK(fixture.is_spent());
  CHECK_FALSE(fixture.charge().has_value());
}

TEST_CASE("a fourth restart is refused 599 s after the first, and had after 601 s") {
  Fixture fixture;
  const auto first = fixture.clock.steady_now();
  fixture.charge();
  fixture.clock.advance(100s);
  fixture.charge();
  fixture.clock.advance(100s);
  fixture.charge();
  fixture.clock.advance(399s);
  CHECK_FALSE(fixture.charge().has_value());
  CHECK(fixture.budget.reset_at(fixture.clock.steady_now()) == first + 600s);
  fixture.clock.advance(2s);
  CHECK(fixture.budget.reset_at(fixture.clock.steady_now()) == first + 601s);
  // The wait still grows: there were no ten healthy minutes.
  CHECK(fixture.charge() == 8s);
  CHECK_FALSE(fixture.charge().has_value());
}

TEST_CASE("two restarts leave room for a third at any time") {
  for (const auto later : {599s, 601s}) {
    Fixture fixture;
    fixture.charge();
    fixture.charge();
    fixture.clock.advance(later);
    CHECK(fixture.charge() == (later < 600s ? 4s : 1s));
  }
}

TEST_CASE("ten healthy minutes forgive every restart") {
  Fixture fixture;
  for (int i = 0; i < 3; ++i) fixture.charge();
  fixture.clock.advance(600s);
  CHECK_FALSE(fixture.is_spent());
  CHECK(fixture.charge() == 1s);
  CHECK(fixture.charge() == 2s);
  CHECK(fixture.charge() == 4s);
  CHECK(fixture.is_spent());
}

TEST_CASE(
    "an engine that fails every five minutes waits up to half a minute, and is never given up") {
  Fixture fixture;
  std::chrono::nanoseconds wait{};
  for (int i = 0; i < 100; ++i) {
    wait = fixture.charge().value_or(0s);
    fixture.clock.advance(300s);
    REQUIRE(wait > 0s);
  }
  CHECK(wait == 30s);
}

TEST_CASE("what is refunded was never charged") {
  Fixture fixture;
  fixture.charge();
  fixture.charge();
  fixture.charge();
  fixture.budget.refund(2);
  CHECK(fixture.charge() == 2s);
  fixture.budget.refund(100);
  CHECK(fixture.charge() == 1s);
}

TEST_CASE("restarts that were done already are charged beyond the budget") {
  Fixture fixture;
  fixture.budget.charge_done(5, fixture.clock.steady_now());
  CHECK(fixture.is_spent());
  fixture.clock.advance(599s);
  CHECK(fixture.is_spent());
  fixture.clock.advance(1s);
  CHECK_FALSE(fixture.is_spent());
}
