#include "daemon/queue/fair_share.hpp"

#include "support/catch.hpp"

using runed::daemon::FairShare;
using runed::daemon::Priority;
using namespace std::chrono_literals;

TEST_CASE("who waits alone is served") {
  FairShare share;
  CHECK(share.choose(true, false) == Priority::interactive);
  CHECK(share.choose(false, true) == Priority::bulk);
}

TEST_CASE("an interactive text that comes now and then waits for one bulk pass at most") {
  FairShare share;
  for (int i = 0; i < 1000; ++i) {
    REQUIRE(share.choose(false, true) == Priority::bulk);
    share.spend(1s);
    REQUIRE(share.choose(true, true) == Priority::interactive);
    share.spend(100ms);
  }
}

TEST_CASE("bulk has a quarter of the time while interactive texts never end") {
  FairShare share;
  auto interactive = 0ms;
  auto bulk = 0ms;
  for (int i = 0; i < 10'000; ++i) {
    if (share.choose(true, true) == Priority::bulk) {
      share.spend(1000ms);
      bulk += 1000ms;
    } else {
      share.spend(30ms);
      interactive += 30ms;
    }
  }
  const double part =
      static_cast<double>(bulk.count()) / static_cast<double>((bulk + interactive).count());
  CHECK(part > 0.24);
  CHECK(part < 0.26);
}

TEST_CASE("time in which bulk had nothing to do is not saved") {
  FairShare share;
  CHECK(share.choose(false, true) == Priority::bulk);
  share.spend(1s);
  for (int i = 0; i < 100; ++i) {
    share.choose(true, false);
    share.spend(1s);
  }
  for (int i = 0; i < 3; ++i) {
    REQUIRE(share.choose(true, true) == Priority::interactive);
    share.spend(1s);
  }
  // Three seconds of waiting are worth one of computing; a little more is due.
  REQUIRE(share.choose(true, true) == Priority::interactive);
  share.spend(1ms);
  CHECK(share.choose(true, true) == Priority::bulk);
}

TEST_CASE("a long wait of bulk is not made good by passes in a row") {
  FairShare share;
  CHECK(share.choose(false, true) == Priority::bulk);
  share.spend(100ms);
  share.choose(true, true);
  share.spend(60s);
  REQUIRE(share.choose(true, true) == Priority::bulk);
  share.spend(100ms);
  CHECK(share.choose(true, true) == Priority::interactive);
}

TEST_CASE("passes of bulk are short for a second of work after an interactive text") {
  FairShare share;
  share.choose(false, true);
  CHECK(share.budget(2048) == 2048);
  share.spend(10ms);
  share.choose(true, true);
  CHECK(share.budget(2048) == 2048);
  share.spend(1ms);
  for (int i = 0; i < 100; ++i) {
    share.choose(false, true);
    CHECK(share.budget(2048) == 512);
    CHECK(share.budget(4096) == 1024);
    CHECK(share.budget(256) == 256);
    share.spend(10ms);
  }
  share.choose(false, true);
  CHECK(share.budget(2048) == 2048);
}
