#include "daemon/queue/compute_turns.hpp"

#include "support/catch.hpp"

using runed::daemon::ComputeTurns;
using runed::daemon::Priority;
using namespace std::chrono_literals;

namespace {

struct Model {
  explicit Model(ComputeTurns& turns) : place(turns, [this] { ++wakes; }) {}

  int wakes = 0;
  ComputeTurns::Place place;
};

}  // namespace

TEST_CASE("a model that is alone computes at once, and is not woken for it") {
  ComputeTurns turns;
  Model a(turns);
  for (int i = 0; i < 3; ++i) {
    CHECK(a.place.ask(false, true) == Priority::bulk);
    a.place.end(1ms);
  }
  CHECK(a.wakes == 0);
}

TEST_CASE("two models with texts of a class take turns") {
  ComputeTurns turns;
  Model a(turns);
  Model b(turns);
  CHECK(a.place.ask(false, true) == Priority::bulk);
  CHECK_FALSE(b.place.ask(false, true).has_value());
  a.place.end(1ms);
  CHECK(b.wakes == 1);
  CHECK_FALSE(a.place.ask(false, true).has_value());
  CHECK(b.place.ask(false, true) == Priority::bulk);
  b.place.end(1ms);
  CHECK(a.wakes == 1);
  CHECK(a.place.ask(false, true) == Priority::bulk);
}

TEST_CASE("an interactive text of one model goes before the bulk of another, which has its share") {
  ComputeTurns turns;
  Model bulk(turns);
  Model busy(turns);
  int bulk_passes = 0;
  constexpr int kPasses = 100;
  for (int pass = 0; pass < kPasses; ++pass) {
    const bool first = bulk.place.ask(false, true).has_value();
    if (first) {
      ++bulk_passes;
      CHECK_FALSE(busy.place.ask(true, false).has_value());
      bulk.place.end(1ms);
      continue;
    }
    REQUIRE(busy.place.ask(true, false) == Priority::interactive);
    CHECK_FALSE(bulk.place.ask(false, true).has_value());
    busy.place.end(1ms);
    CHECK_FALSE(
        (busy.place.ask(true, false).has_value() && bulk.place.ask(false, true).has_value()));
  }
  CHECK(bulk_passes > kPasses / 5);
  CHECK(bulk_passes < kPasses / 2);
}

TEST_CASE("who was dealt a pass and has nothing to compute any more gives it to the next") {
  ComputeTurns turns;
  Model a(turns);
  Model b(turns);
  Model c(turns);
  CHECK(a.place.ask(false, true).has_value());
  CHECK_FALSE(b.place.ask(false, true).has_value());
  CHECK_FALSE(c.place.ask(false, true).has_value());
  a.place.end(1ms);
  CHECK(b.wakes == 1);
  b.place.end({});
  CHECK(c.wakes == 1);
  CHECK(c.place.ask(false, true).has_value());
}

TEST_CASE("a model that goes leaves its turn to the next") {
  ComputeTurns turns;
  Model a(turns);
  {
    Model b(turns);
    CHECK(b.place.ask(false, true).has_value());
    CHECK_FALSE(a.place.ask(false, true).has_value());
  }
  CHECK(a.wakes == 1);
  CHECK(a.place.ask(false, true).has_value());
}
