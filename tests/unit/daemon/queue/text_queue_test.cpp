#include "daemon/queue/text_queue.hpp"

#include "reply.hpp"

using runed::daemon::Job;
using runed::daemon::PendingJob;
using runed::daemon::Priority;
using runed::daemon::TextQueue;
using runed::embed::TokenId;

namespace {

using Ids = std::vector<TokenId>;
using Lengths = std::vector<size_t>;

// Jobs of a few texts, told apart by their lengths; ids count up, so that no two texts are alike.
struct Callers {
  std::shared_ptr<PendingJob> add(Priority priority, uint64_t flow, const Lengths& lengths) {
    std::vector<Ids> texts;
    for (const size_t length : lengths) texts.emplace_back(length, ++last_id);
    return add_ids(priority, flow, texts);
  }

  std::shared_ptr<PendingJob> add_ids(Priority priority, uint64_t flow,
                                      const std::vector<Ids>& texts) {
    auto job = std::make_shared<PendingJob>(Job{.texts = std::vector<std::string>(texts.size()),
                                                .options = {},
                                                .priority = priority,
                                                .flow = flow,
                                                .route = {},
                                                .answer = runed::test::Reply().make_answer()});
    for (const Ids& ids : texts) job->prepared.push_back({.ids = ids});
    for (size_t i = 0; i < texts.size(); ++i) queue.add(job, i);
    return job;
  }

  Lengths take(Priority priority, size_t budget) {
    Lengths lengths;
    for (const auto& text : queue.take(priority, budget)) {
      lengths.push_back(text->text.ids.size());
      queue.forget(*text);
    }
    return lengths;
  }

  TextQueue queue;
  TokenId last_id = 0;
};

constexpr auto kBulk = Priority::bulk;
constexpr auto kInteractive = Priority::interactive;

}  // namespace

TEST_CASE("a pass takes what fits, the longest first") {
  Callers callers;
  callers.add(kBulk, 1, {3, 9, 1, 5, 2});
  CHECK(callers.take(kBulk, 15) == Lengths{9, 5, 1});
  CHECK(callers.take(kBulk, 15) == Lengths{3, 2});
  CHECK(callers.take(kBulk, 15).empty());
}

TEST_CASE("a text longer than a pass goes alone") {
  Callers callers;
  callers.add(kBulk, 1, {100, 1});
  CHECK(callers.take(kBulk, 10) == Lengths{100});
  CHECK(callers.take(kBulk, 10) == Lengths{1});
}

TEST_CASE("what is left of a window goes before what came later, however long that is") {
  Callers callers;
  callers.add(kBulk, 1, {10, 10, 10, 9, 1});
  CHECK(callers.take(kBulk, 10) == Lengths{10});
  callers.add(kBulk, 1, {10, 10, 10, 10});
  CHECK(callers.take(kBulk, 10) == Lengths{10});
  CHECK(callers.take(kBulk, 10) == Lengths{10});
  CHECK(callers.take(kBulk, 10) == Lengths{9, 1});
}

TEST_CASE("callers take turns, a text each") {
  Callers callers;
  callers.add(kBulk, 1, Lengths(100, 4));
  callers.add(kBulk, 2, {3});
  callers.add(kBulk, 3, {2, 2});
  // A window of four passes and a little: the texts of the small callers are in the first.
  const Lengths window = callers.take(kBulk, 32);
  CHECK(std::ranges::count(window, size_t{4}) == 8);
  size_t others = 0;
  for (int pass = 0; pass < 4; ++pass) {
    for (const size_t length : callers.take(kBulk, 32)) others += length < 4 ? 1 : 0;
  }
  CHECK(others == 3);
}

TEST_CASE("the classes are apart") {
  Callers callers;
  callers.add(kBulk, 1, {5});
  callers.add(kInteractive, 2, {3});
  CHECK(callers.queue.is_waiting(kBulk));
  CHECK(callers.queue.is_waiting(kInteractive));
  CHECK(callers.take(kInteractive, 100) == Lengths{3});
  CHECK_FALSE(callers.queue.is_waiting(kInteractive));
  CHECK(callers.take(kBulk, 100) == Lengths{5});
}

TEST_CASE("a text that many wait for is there once, and knows them all") {
  Callers callers;
  const auto first = callers.add_ids(kBulk, 1, {{7, 8}, {9}, {7, 8}});
  const auto second = callers.add_ids(kBulk, 2, {{7, 8}});
  auto texts = callers.queue.take(kBulk, 100);
  REQUIRE(texts.size() == 2);
  REQUIRE(texts[0]->recipients.size() == 3);
  CHECK(texts[0]->recipients[1].index == 2);
  CHECK(texts[0]->recipients[2].job == second);
  // In its pass it can still be waited for, and afterwards it is a new one.
  const auto third = callers.add_ids(kBulk, 3, {{7, 8}});
  CHECK(texts[0]->recipients.size() == 4);
  CHECK_FALSE(callers.queue.is_waiting(kBulk));
  callers.queue.forget(*texts[0]);
  callers.add_ids(kBulk, 4, {{7, 8}});
  CHECK(callers.take(kBulk, 100) == Lengths{2});
}

TEST_CASE("a bulk text that somebody waits for is interactive from then on") {
  Callers callers;
  callers.add_ids(kBulk, 1, {{1}, {2, 2}, {3}});
  callers.add_ids(kInteractive, 2, {{2, 2}});
  CHECK(callers.take(kInteractive, 100) == Lengths{2});
  CHECK(callers.take(kBulk, 100) == Lengths{1, 1});
  // The other way round it keeps its place.
  callers.add_ids(kInteractive, 2, {{4}});
  callers.add_ids(kBulk, 1, {{4}});
  CHECK_FALSE(callers.queue.is_waiting(kBulk));
  CHECK(callers.take(kInteractive, 100) == Lengths{1});
}

TEST_CASE("a text that nobody wants any more costs no pass, and is found anew by who comes later") {
  Callers callers;
  const auto job = callers.add_ids(kBulk, 1, {{1, 1}, {2}});
  const auto other = callers.add_ids(kBulk, 2, {{2}});
  job->finish();
  CHECK(callers.take(kBulk, 100) == Lengths{1});
  callers.add_ids(kBulk, 3, {{1, 1}});
  CHECK(callers.take(kBulk, 100) == Lengths{2});
  CHECK_FALSE(callers.queue.is_waiting(kBulk));
}

TEST_CASE("nobody waits in a queue that was cleared") {
  Callers callers;
  callers.add(kBulk, 1, Lengths(50, 3));
  callers.take(kBulk, 10);
  callers.queue.clear();
  CHECK_FALSE(callers.queue.is_waiting(kBulk));
  callers.add(kBulk, 1, {4});
  CHECK(callers.take(kBulk, 10) == Lengths{4});
}

TEST_CASE("pairs of the same ids wait together only if they are divided alike") {
  Callers callers;
  const auto first = callers.add_ids(kBulk, 1, {});
  const auto add = [&](uint32_t second) {
    first->prepared.push_back({.ids = {5, 6, 7}, .second = second});
    callers.queue.add(first, first->prepared.size() - 1);
  };
  add(1);
  add(2);
  add(1);
  const auto pass = callers.queue.take(kBulk, 100);
  REQUIRE(pass.size() == 2);
  CHECK(pass[0]->recipients.size() == 2);
  CHECK(pass[0]->text.second == 1);
  CHECK(pass[1]->text.second == 2);
  callers.queue.forget(*pass[1]);
  add(1);  // The first is still computed.
  CHECK(pass[0]->recipients.size() == 3);
  callers.queue.forget(*pass[0]);
  add(1);
  CHECK(callers.queue.take(kBulk, 100).size() == 1);
}
