#include "daemon/queue/job_inbox.hpp"

#include "reply.hpp"

using runed::ErrorCode;
using runed::daemon::JobBound;
using runed::daemon::JobCount;
using runed::daemon::JobInbox;
using runed::daemon::LoadMeter;
using runed::daemon::PendingJob;
using runed::daemon::Priority;
using runed::test::Reply;
using runed::test::unwrap_error;
using namespace std::chrono_literals;

namespace {

struct Fixture {
  JobInbox::PendingPtr make(size_t tokens, Reply& reply, Priority priority = Priority::bulk) {
    auto pending = std::make_shared<PendingJob>(runed::daemon::Job{.texts = {"a"},
                                                                   .options = {},
                                                                   .priority = priority,
                                                                   .route = {},
                                                                   .answer = reply.make_answer()});
    pending->queued_tokens = tokens;
    return pending;
  }

  LoadMeter meter;
  int wakes = 0;
  JobInbox inbox{{.interactive_tokens = 10, .bulk_tokens = 10}, meter, [this] { ++wakes; }};
};

}  // namespace

TEST_CASE("a job that is handed over wakes the loop, which takes it once") {
  Fixture fixture;
  Reply reply;
  const auto pending = fixture.make(3, reply);
  CHECK_FALSE(fixture.inbox.admit(*pending).has_value());
  CHECK(fixture.inbox.take().empty());
  fixture.inbox.hand_over(pending);
  CHECK(fixture.wakes == 1);
  CHECK(fixture.inbox.take().size() == 1);
  CHECK(fixture.inbox.take().empty());
  CHECK(fixture.inbox.queue_tokens() == 3);
  CHECK_FALSE(fixture.inbox.drain(0ms));
  pending->finish();
  CHECK(fixture.inbox.queue_tokens() == 0);
  CHECK(fixture.inbox.drain(0ms));
}

TEST_CASE("a class is full by its own tokens, and one job is always taken") {
  Fixture fixture;
  Reply reply;
  const auto large = fixture.make(100, reply);
  CHECK_FALSE(fixture.inbox.admit(*large).has_value());
  Reply other;
  const auto refused = fixture.make(1, other);
  CHECK(fixture.inbox.find_refusal(*refused)->code == ErrorCode::queue_full);
  CHECK(fixture.inbox.admit(*refused)->message == "the queue is full: 100 tokens wait");
  Reply third;
  const auto interactive = fixture.make(1, third, Priority::interactive);
  CHECK_FALSE(fixture.inbox.admit(*interactive).has_value());
  interactive->finish();
  refused->finish();
  CHECK(fixture.inbox.queue_tokens() == 100);  // It was never under way.
  CHECK(fixture.meter.statistics().refused_calls == 2);
}

TEST_CASE("tokens that are counted take the place of the estimate") {
  Fixture fixture;
  Reply reply;
  const auto pending = fixture.make(9, reply);
  CHECK_FALSE(fixture.inbox.admit(*pending).has_value());
  pending->prepared = {{.ids = {1, 2}}, {.ids = {3}}};
  pending->recount();
  CHECK(fixture.inbox.queue_tokens() == 3);
}

TEST_CASE("a job that is lost on its way is told so, and is no longer under way") {
  Fixture fixture;
  Reply reply;
  auto pending = fixture.make(5, reply);
  CHECK_FALSE(fixture.inbox.admit(*pending).has_value());
  pending.reset();
  CHECK(reply.told().is_lost);
  CHECK(reply.told().times == 1);
  CHECK(fixture.inbox.queue_tokens() == 0);
  CHECK(fixture.inbox.drain(0ms));
}

TEST_CASE("an inbox that is closed refuses, and one that is abandoned answers what it gets") {
  Fixture fixture;
  Reply taken;
  const auto pending = fixture.make(1, taken);
  CHECK_FALSE(fixture.inbox.admit(*pending).has_value());
  fixture.inbox.close();
  Reply refused;
  CHECK(fixture.inbox.admit(*fixture.make(1, refused))->code == ErrorCode::shutting_down);
  fixture.inbox.abandon();
  fixture.inbox.hand_over(pending);
  CHECK(unwrap_error(taken.result()).code == ErrorCode::shutting_down);
  CHECK(fixture.inbox.drain(0ms));
}

TEST_CASE("a part of the count that moves is counted once") {
  JobCount count;
  {
    JobCount::Part part = count.add(JobBound::caller, 7);
    JobCount::Part moved = std::move(part);
    part = count.add(JobBound::bulk, 2);
    CHECK(count.tokens(JobBound::caller) == 7);
    CHECK(count.all_tokens() == 9);
    moved = std::move(part);
    CHECK(count.all_tokens() == 2);
    CHECK_FALSE(count.wait_until_none(0ms));
  }
  CHECK(count.all_tokens() == 0);
  CHECK(count.wait_until_none(0ms));
}
