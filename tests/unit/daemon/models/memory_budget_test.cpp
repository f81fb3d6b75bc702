#include "daemon/models/memory_budget.hpp"

#include "support/catch.hpp"

using runed::SteadyTime;
using runed::daemon::MemoryBudget;
using namespace std::chrono_literals;

namespace {

struct Model {
  explicit Model(MemoryBudget& budget) : part(budget, [this] { ++wakes; }) {}

  int wakes = 0;
  MemoryBudget::Part part;
};

constexpr SteadyTime kStart{1h};

}  // namespace

TEST_CASE("what is free is given at once, and held until it is released") {
  MemoryBudget budget(100);
  Model a(budget);
  Model b(budget);
  CHECK(a.part.request(60, kStart));
  CHECK(b.part.request(40, kStart));
  CHECK(budget.held_bytes() == 100);
  CHECK(a.part.bytes() == 60);
  CHECK(a.part.request(50, kStart));  // It has turned out to be less.
  CHECK(budget.held_bytes() == 90);
  b.part.release();
  CHECK(budget.held_bytes() == 50);
}

TEST_CASE("the least recently used model is asked for its memory, and nobody in vain") {
  MemoryBudget budget(100);
  Model a(budget);
  Model b(budget);
  Model c(budget);
  CHECK(a.part.request(50, kStart));
  CHECK(b.part.request(50, kStart));
  a.part.note_use(kStart + 1s);
  CHECK_FALSE(c.part.request(50, kStart + 2s));
  CHECK(b.part.is_asked_back(false, kStart + 2s));
  CHECK(b.wakes > 0);
  CHECK_FALSE(a.part.is_asked_back(false, kStart + 2s));
  const int wakes = c.wakes;
  b.part.release();
  CHECK(c.wakes > wakes);
  CHECK(c.part.request(50, kStart + 2s));
  CHECK_FALSE(a.part.is_asked_back(false, kStart + 1h));
}

TEST_CASE("what is held beyond a budget that has shrunk is asked back, but for one model") {
  MemoryBudget budget(100);
  Model a(budget);
  Model b(budget);
  Model c(budget);
  Model kept(budget);
  kept.part.set_kept(true);
  CHECK(kept.part.request(10, kStart));
  CHECK(a.part.request(30, kStart));
  CHECK(b.part.request(30, kStart + 1s));
  CHECK(c.part.request(30, kStart + 2s));
  const SteadyTime now = kStart + 3s;
  budget.resize(80);
  CHECK(a.part.is_asked_back(false, now));
  CHECK(a.wakes > 0);
  CHECK_FALSE(b.part.is_asked_back(false, now));
  budget.resize(100);
  CHECK_FALSE(a.part.is_asked_back(false, now));
  budget.resize(50);
  CHECK(a.part.is_asked_back(false, now));
  CHECK(b.part.is_asked_back(false, now));
  a.part.release();
  CHECK(b.part.is_asked_back(false, now));
  b.part.release();
  CHECK_FALSE(c.part.is_asked_back(false, now));
  budget.resize(1);
  CHECK_FALSE(c.part.is_asked_back(false, now));
  CHECK_FALSE(kept.part.is_asked_back(false, now));
}

TEST_CASE("a model that is in use keeps its memory for a shift") {
  MemoryBudget budget(100);
  Model a(budget);
  Model b(budget);
  CHECK(a.part.request(80, kStart));
  CHECK_FALSE(b.part.request(80, kStart));
  CHECK(a.part.is_asked_back(false, kStart));
  CHECK_FALSE(a.part.is_asked_back(true, kStart + MemoryBudget::kShift - 1ns));
  CHECK(a.part.is_asked_back(true, kStart + MemoryBudget::kShift));
}

TEST_CASE("who waits gets memory in turn, also who has just given it back") {
  MemoryBudget budget(100);
  Model a(budget);
  Model b(budget);
  Model c(budget);
  CHECK(a.part.request(80, kStart));
  CHECK_FALSE(b.part.request(80, kStart));
  CHECK_FALSE(c.part.request(10, kStart));  // It would fit, and waits for its turn.
  a.part.release();
  CHECK_FALSE(a.part.request(80, kStart));
  CHECK(b.part.request(80, kStart));
  CHECK(c.part.request(10, kStart));
  CHECK_FALSE(a.part.request(80, kStart));
  CHECK(b.part.is_asked_back(false, kStart));
}

TEST_CASE("one model is always served, whatever its size") {
  MemoryBudget budget(10);
  Model a(budget);
  Model b(budget);
  CHECK(a.part.request(1000, kStart));
  CHECK_FALSE(b.part.request(1, kStart));
  a.part.release();
  CHECK(b.part.request(1, kStart));
}

TEST_CASE("a model that is kept is not asked, and nobody waits for it for ever") {
  MemoryBudget budget(100);
  Model a(budget);
  Model b(budget);
  CHECK(a.part.request(80, kStart));
  a.part.set_kept(true);
  CHECK(b.part.request(80, kStart));
  CHECK_FALSE(a.part.is_asked_back(false, kStart + 1h));
}

TEST_CASE("who gives up waiting asks nobody any more, nor does who is gone") {
  MemoryBudget budget(100);
  Model a(budget);
  CHECK(a.part.request(100, kStart));
  {
    Model b(budget);
    CHECK_FALSE(b.part.request(100, kStart));
    CHECK(a.part.is_asked_back(false, kStart));
  }
  CHECK_FALSE(a.part.is_asked_back(false, kStart));
}

TEST_CASE("a budget that grows wakes who waits") {
  MemoryBudget budget(100);
  Model a(budget);
  Model b(budget);
  CHECK(a.part.request(80, kStart));
  CHECK_FALSE(b.part.request(80, kStart));
  const int wakes = b.wakes;
  budget.resize(200);
  CHECK(b.wakes > wakes);
  CHECK(b.part.request(80, kStart));
}

TEST_CASE("a model that grows past the budget has others give theirs back") {
  MemoryBudget budget(100);
  Model a(budget);
  Model b(budget);
  CHECK(a.part.request(40, kStart));
  CHECK(b.part.request(40, kStart));
  CHECK(b.part.request(90, kStart + 1s));
  CHECK(a.part.is_asked_back(false, kStart + 1s));
  CHECK_FALSE(b.part.is_asked_back(false, kStart + 1s));
  a.part.release();
  CHECK_FALSE(b.part.is_asked_back(false, kStart + 1s));
  CHECK(b.part.request(200, kStart + 1s));  // There is nobody else.
  CHECK_FALSE(b.part.is_asked_back(false, kStart + 1s));
}

TEST_CASE("a budget that shrinks asks for what is too much") {
  MemoryBudget budget(100);
  Model a(budget);
  Model b(budget);
  CHECK(a.part.request(40, kStart));
  CHECK(b.part.request(40, kStart));
  b.part.note_use(kStart + 1s);
  budget.resize(50);
  CHECK(a.part.is_asked_back(false, kStart + 1s));
  CHECK_FALSE(b.part.is_asked_back(false, kStart + 1s));
}

TEST_CASE("a model that is asked and is then to be kept has another one asked") {
  MemoryBudget budget(100);
  Model a(budget);
  Model b(budget);
  Model c(budget);
  CHECK(a.part.request(50, kStart));
  CHECK(b.part.request(50, kStart));
  b.part.note_use(kStart + 1s);
  CHECK_FALSE(c.part.request(50, kStart + 1s));
  CHECK(a.part.is_asked_back(false, kStart + 1s));
  const int wakes = c.wakes;
  a.part.set_kept(true);
  CHECK(c.wakes > wakes);
  CHECK_FALSE(c.part.request(50, kStart + 1s));
  CHECK(b.part.is_asked_back(false, kStart + 1s));
}

TEST_CASE("the time that a start takes is none of a model's shift") {
  MemoryBudget budget(100);
  Model a(budget);
  Model b(budget);
  CHECK(a.part.request(80, kStart));
  CHECK_FALSE(b.part.request(80, kStart));
  const SteadyTime started = kStart + 10s;
  a.part.begin_shift(started);
  CHECK_FALSE(a.part.is_asked_back(true, started));
  CHECK(a.part.is_asked_back(true, started + MemoryBudget::kShift));
}

TEST_CASE("models that have more than there is beside one that was kept give it back") {
  MemoryBudget budget(100);
  Model kept(budget);
  Model b(budget);
  kept.part.set_kept(true);
  CHECK(kept.part.request(80, kStart));
  CHECK(b.part.request(80, kStart + 1s));
  kept.part.set_kept(false);
  CHECK(kept.part.is_asked_back(false, kStart + 1s));
  CHECK_FALSE(b.part.is_asked_back(false, kStart + 1s));
}
