// Whatever allocation fails on the way of a call, from the api through the queue and the engine's life
// and back, the caller is told once.
#include "daemon/api/api.hpp"
#include "support/eventually.hpp"
#include "support/failing_allocator.hpp"
#include "unit/daemon/models/pool_fixture.hpp"
#include "unit/daemon/models/scheduler_fixture.hpp"

using runed::Error;
using runed::ErrorCode;
using runed::Status;
using runed::daemon::Api;
using runed::daemon::EmbedAnswer;
using runed::daemon::Scheduler;
using runed::daemon::Serving;
using runed::test::FailingAllocation;
using runed::test::PoolFixture;
using runed::test::Reply;
using runed::test::SchedulerFixture;
using Texts = std::vector<std::string>;

namespace {

constexpr size_t kEach = 1000;  // So many allocations fail one by one, then every 97th.
constexpr size_t kStep = 97;

struct Fixture : SchedulerFixture {
  explicit Fixture(Scheduler::Options options) : SchedulerFixture(options) {
    const auto is_loaded = [this] { return api.check_state().has_value(); };
    REQUIRE(runed::test::eventually(is_loaded));
  }

  // What Api::embed hands a job to is here a scheduler whose turns the test takes.
  void submit_through_api(EmbedAnswer answer, int number) {
    const auto admitted = api.admit({}, false);
    if (!admitted) {
      answer.give(admitted.error());
      return;
    }
    scheduler.submit(
        {.texts = {fmt::format("a{:05}", number), "same", fmt::format("b{:05}", number)},
         .options = {},
         .route = admitted->route,
         .answer = std::move(answer)});
  }

  // The loop of ModelHost.
  void take_turns(const Reply& reply) {
    for (int turns = 0; turns < kMostTurns && !reply.is_told(); ++turns) {
      try {
        turn();
      } catch (const std::bad_alloc&) {
        scheduler.drop_jobs();
      }
    }
  }

  // The call, whose n-th allocation fails. Returns whether it has so many.
  bool fail(size_t number) {
    Reply reply;
    EmbedAnswer answer = reply.make_answer();
    bool has_failed = false;
    {
      const FailingAllocation failing(number);
      try {
        submit_through_api(std::move(answer), static_cast<int>(number));
      } catch (const std::bad_alloc&) {  // A wire's last catch.
      }
      take_turns(reply);
      has_failed = failing.has_failed();
    }
    INFO("allocation " << number);
    REQUIRE(reply.told().times == 1);
    REQUIRE(scheduler.drain(std::chrono::milliseconds(0)));
    REQUIRE(scheduler.queue_tokens() == 0);
    return has_failed;
  }

  PoolFixture models{clock};
  runed::daemon::OpenStreams streams;
  Api api{{*models.pool, streams, clock, log}, {}, {}};
};

// Returns how many allocations were made to fail.
int fail_each(Fixture& fixture, const std::function<void()>& before_each = {}) {
  int failures = 0;
  for (size_t number = 1;; number += number < kEach ? 1 : kStep) {
    if (before_each) before_each();
    if (!fixture.fail(number)) return failures;
    ++failures;
  }
}

}  // namespace

TEST_CASE("a call is answered once, whichever allocation fails") {
  Fixture fixture({.cache_bytes = 1 << 20});
  CHECK(fail_each(fixture) > 30);
  // The daemon goes on.
  Reply reply;
  fixture.submit_through_api(reply.make_answer(), 0);
  fixture.take_turns(reply);
  CHECK(reply.result().has_value());
}

TEST_CASE("a call is answered once while the engine is resumed, whichever allocation fails") {
  Fixture fixture({.idle_timeout = std::chrono::seconds(30), .cache_bytes = 1 << 20});
  CHECK(fail_each(fixture, [&] { fixture.turn_until(Serving::idle); }) > 30);
}

TEST_CASE("a call is answered once while a text is searched for, whichever allocation fails") {
  Fixture fixture({});
  fixture.script.on_pass = [&](const Texts& texts) -> Status {
    if (std::ranges::find(texts, "same") == texts.end()) return {};
    const Error died{ErrorCode::engine_died, "died", {}, {}};
    fixture.script.death = died;
    return died;
  };
  // The search before ends, and what it remembers is forgotten: the text is tried again.
  const auto forgive = [&] {
    for (int i = 0; i < 3; ++i) fixture.pass_time(std::chrono::hours(1));
  };
  CHECK(fail_each(fixture, forgive) > 200);
}
