#include "daemon/models/model_pool.hpp"

#include "awaited_reply.hpp"
#include "pool_fixture.hpp"
#include "support/eventually.hpp"
#include "support/result_matchers.hpp"

using runed::Error;
using runed::ErrorCode;
using runed::daemon::ModelDeclaration;
using runed::daemon::ModelPool;
using runed::daemon::ModelPtr;
using runed::daemon::Serving;
using runed::test::AwaitedReply;
using runed::test::declare_model;
using runed::test::eventually;
using runed::test::PoolFixture;
using runed::test::submit_text;
using runed::test::unwrap;
using runed::test::unwrap_error;
using namespace std::chrono_literals;

namespace {

AwaitedReply submit(const ModelPtr& model, const std::string& text) {
  return submit_text(model->scheduler(), text);
}

struct Fixture : PoolFixture {
  explicit Fixture(const std::vector<std::string>& declared, uint64_t memory_bytes = 1000)
      : PoolFixture(clock, declared, memory_bytes) {}

  Serving serving(const std::string& name) const {
    return unwrap(pool->find(name))->state().snapshot().serving;
  }

  static inline const runed::SystemClock clock;
};

}  // namespace

TEST_CASE("a model is found by its name, its last part or its identity, the default by none") {
  Fixture fixture({"notes.q8_0", "other.f16", "third.f16"});
  ModelPool& pool = *fixture.pool;
  const ModelPtr notes = unwrap(pool.find("notes.q8_0"));
  CHECK(unwrap(pool.find("q8_0")) == notes);
  CHECK(unwrap(pool.find("")) == pool.default_model());
  CHECK(unwrap(pool.find("default")) == pool.default_model());
  CHECK(unwrap_error(pool.find("f16")).code == ErrorCode::invalid_argument);
  const std::string identity = "sha256:" + std::string(16, 'n');
  CHECK(unwrap_error(pool.find(identity)).code == ErrorCode::unknown_model);
  unwrap(submit(notes, "a").get());
  CHECK(unwrap(pool.find(identity)) == notes);
}

TEST_CASE("an unknown name is told with those that there are") {
  Fixture fixture({"notes"});
  const Error error = unwrap_error(fixture.pool->find("nodes"));
  CHECK(error.code == ErrorCode::unknown_model);
  CHECK(error.message == "there is no model 'nodes'");
  CHECK(error.hint == "did you mean 'notes'? there are: default, notes");
  CHECK(unwrap_error(fixture.pool->find("/m/a.gguf")).hint ==
        "a file is loaded with LoadModel first, which gives it a name");
}

TEST_CASE("a model that was installed since is found") {
  Fixture fixture({});
  CHECK_FALSE(fixture.pool->find("late").has_value());
  fixture.catalogue.push_back(declare_model("late"));
  CHECK(fixture.pool->find("late").has_value());
}

TEST_CASE("the default model is loaded at once, another one by its first request") {
  Fixture fixture({"notes"});
  CHECK(eventually([&] { return fixture.serving("default") == Serving::ok; }));
  CHECK(fixture.serving("notes") == Serving::idle);
  CHECK(fixture.script("notes").starts == 0);
  unwrap(submit(unwrap(fixture.pool->find("notes")), "a").get());
  CHECK(fixture.serving("notes") == Serving::ok);
}

TEST_CASE("a model that cannot be loaded tells who asked, and is tried again") {
  Fixture fixture({"notes"});
  fixture.script("notes").start_result = runed::make_error(ErrorCode::model_corrupt, "not a model");
  const ModelPtr notes = unwrap(fixture.pool->find("notes"));
  CHECK(unwrap_error(submit(notes, "a").get()).code == ErrorCode::model_corrupt);
  CHECK(eventually([&] { return fixture.serving("notes") == Serving::degraded; }));
  fixture.script("notes").set_start_result({});
  unwrap(submit(notes, "a").get());
  CHECK(fixture.serving("notes") == Serving::ok);
}

TEST_CASE("what does not fit is evicted, and every request is answered") {
  Fixture fixture({"b", "c"}, 250);
  CHECK(eventually([&] { return fixture.serving("default") == Serving::ok; }));
  for (int round = 0; round < 3; ++round) {
    for (const char* name : {"default", "b", "c"}) {
      unwrap(submit(unwrap(fixture.pool->find(name)), fmt::format("{}", round)).get());
      CHECK(fixture.pool->memory().held_bytes() <= 250);
    }
  }
  CHECK(unwrap(fixture.pool->find("c"))->scheduler().evictions() > 0);
}

TEST_CASE("two models that do not both fit take turns under load") {
  Fixture fixture({"b"}, 150);
  const ModelPtr a = fixture.pool->default_model();
  const ModelPtr b = unwrap(fixture.pool->find("b"));
  CHECK(eventually([&] { return a->state().snapshot().serving == Serving::ok; }));
  fixture.script("default").pause();  // Somebody waits for it all the time.
  auto held = submit(a, "x");
  fixture.script("default").wait_inside(1);
  auto waiting = submit(b, "y");
  fixture.script("default").resume();
  unwrap(held.get());
  unwrap(waiting.get());
  unwrap(submit(a, "z").get());
}

TEST_CASE("a model that is kept is loaded at the start and not evicted") {
  Fixture fixture({"b"}, 150);
  fixture.catalogue.front().is_kept = true;
  unwrap(fixture.pool->refresh());
  CHECK(eventually([&] { return fixture.serving("b") == Serving::ok; }));
  unwrap(submit(fixture.pool->default_model(), "a").get());
  CHECK(fixture.serving("b") == Serving::ok);
  CHECK(fixture.script("b").stops == 0);
}

TEST_CASE("a model that is declared no longer answers the calls that it has, and goes") {
  Fixture fixture({"b"});
  ModelPtr b = unwrap(fixture.pool->find("b"));
  unwrap(submit(b, "a").get());
  fixture.catalogue.clear();
  unwrap(fixture.pool->refresh());
  CHECK(unwrap_error(fixture.pool->find("b")).code == ErrorCode::unknown_model);
  unwrap(submit(b, "z").get());  // Of a call that had found it.
  fixture.pool->tidy();
  CHECK(fixture.script("b").stops == 0);
  b.reset();
  fixture.pool->tidy();
  CHECK(fixture.script("b").stops == 1);
}

TEST_CASE("the default model loses a name that is declared no longer, and keeps its own") {
  Fixture fixture({});
  ModelDeclaration renamed = declare_model("default");
  renamed.names = {"notes", "default"};
  renamed.is_kept = true;
  fixture.catalogue.push_back(renamed);
  unwrap(fixture.pool->refresh());
  CHECK(unwrap(fixture.pool->find("notes")) == fixture.pool->default_model());
  CHECK(fixture.pool->default_model()->scheduler().is_kept());
  fixture.catalogue.clear();
  unwrap(fixture.pool->refresh());
  CHECK(unwrap_error(fixture.pool->find("notes")).code == ErrorCode::unknown_model);
  CHECK(unwrap(fixture.pool->find("default")) == fixture.pool->default_model());
  CHECK_FALSE(fixture.pool->default_model()->scheduler().is_kept());
}

TEST_CASE("a model that was named by its file stays, and is found by what it is") {
  Fixture fixture({"b"});
  ModelDeclaration file{.key = "sha256:f", .names = {"sha256:ffff"}};
  file.sha256 = std::string(64, 's');
  const ModelPtr added = fixture.pool->add(file);
  unwrap(submit(added, "a").get());
  unwrap(fixture.pool->refresh());
  CHECK(unwrap(fixture.pool->find("sha256:ffff")) == added);
  // Of a model that is loaded it is the same, under whatever name.
  ModelDeclaration again{.key = "sha256:d", .names = {"sha256:dddd"}};
  again.sha256 = std::string(64, 'd');
  CHECK(eventually([&] { return fixture.serving("default") == Serving::ok; }));
  CHECK(fixture.pool->add(again) == fixture.pool->default_model());
}

TEST_CASE("memory is given back when it is asked for, unless somebody waits") {
  Fixture fixture({"b"});
  const ModelPtr b = unwrap(fixture.pool->find("b"));
  unwrap(submit(b, "a").get());
  b->scheduler().unload();
  CHECK(eventually([&] { return b->state().snapshot().serving == Serving::idle; }));
  CHECK(eventually([&] { return b->scheduler().memory_bytes() == 0; }));
  unwrap(submit(b, "z").get());
}

TEST_CASE("a pool that is closed refuses what comes, of every model") {
  Fixture fixture({"b"});
  const ModelPtr b = unwrap(fixture.pool->find("b"));
  unwrap(submit(b, "a").get());
  fixture.pool->close({});
  CHECK(fixture.serving("b") == Serving::shutting_down);
  CHECK(unwrap_error(submit(b, "z").get()).code == ErrorCode::shutting_down);
  CHECK(fixture.pool->drain(1s));
  CHECK(fixture.pool->stop(5s));
}

TEST_CASE("how long a model stays is what was asked for, else declared, else that of all") {
  Fixture fixture({"b"});
  const ModelPtr b = unwrap(fixture.pool->find("b"));
  fixture.pool->set_idle_timeout(1h);
  CHECK(b->idle_timeout() == 1h);
  fixture.catalogue.front().idle_timeout = 2h;
  unwrap(fixture.pool->refresh());
  CHECK(b->idle_timeout() == 2h);
  b->ask_for_idle_timeout(3h);
  unwrap(fixture.pool->refresh());
  CHECK(b->idle_timeout() == 3h);
}

TEST_CASE("a model that is kept and declared no longer is kept for its calls alone") {
  Fixture fixture({"b"}, 150);
  fixture.catalogue.front().is_kept = true;
  unwrap(fixture.pool->refresh());
  const ModelPtr b = unwrap(fixture.pool->find("b"));
  CHECK(eventually([&] { return b->state().snapshot().serving == Serving::ok; }));
  fixture.catalogue.clear();
  unwrap(fixture.pool->refresh());
  unwrap(submit(fixture.pool->default_model(), "a").get());
  CHECK(eventually([&] { return b->scheduler().memory_bytes() == 0; }));
}

TEST_CASE("a host that is made after the pool was closed takes nothing") {
  Fixture fixture({"b"});
  const ModelPtr b = unwrap(fixture.pool->find("b"));
  fixture.pool->close({});
  CHECK(unwrap_error(submit(b, "a").get()).code == ErrorCode::shutting_down);
  CHECK(fixture.script("b").starts == 0);
}

TEST_CASE("a file that was never loaded is looked for where it is named next") {
  Fixture fixture({});
  ModelDeclaration file{.key = "sha256:f", .names = {"sha256:ffff"}};
  file.choice.path = "/first.gguf";
  const ModelPtr first = fixture.pool->add(file);
  CHECK(fixture.pool->add(file) == first);
  file.choice.path = "/second.gguf";
  CHECK(fixture.pool->add(file) != first);
}
