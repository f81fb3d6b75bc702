#include "daemon/queue/answer.hpp"

#include <new>

#include "reply.hpp"

using runed::Error;
using runed::ErrorCode;
using runed::make_error;
using runed::daemon::Answer;
using runed::daemon::EmbedAnswer;
using runed::daemon::Receiver;
using runed::test::Reply;
using runed::test::unwrap;
using runed::test::unwrap_error;

static_assert(!std::is_copy_constructible_v<EmbedAnswer>);
static_assert(std::is_nothrow_move_constructible_v<EmbedAnswer>);
using Embeddings = std::vector<runed::Embedding>;
static_assert(
    noexcept(std::declval<EmbedAnswer>().give(std::declval<runed::Result<Embeddings>>())));

TEST_CASE("an answer that is given is told once") {
  Reply reply;
  EmbedAnswer answer = reply.make_answer();
  CHECK(answer.is_open());
  answer.give(std::vector<runed::Embedding>(2));
  answer.give(make_error(ErrorCode::internal, "too late"));
  answer.drop();
  CHECK_FALSE(answer.is_open());
  CHECK(unwrap(reply.result()).size() == 2);
  CHECK(reply.told().times == 1);
}

TEST_CASE("an answer that is forgotten is told as lost") {
  Reply reply;
  { const EmbedAnswer answer = reply.make_answer(); }
  CHECK(reply.told().is_lost);
  CHECK(reply.told().times == 1);
}

TEST_CASE("an answer that moves is owed by its new place alone") {
  Reply reply;
  {
    EmbedAnswer answer = reply.make_answer();
    EmbedAnswer moved = std::move(answer);
    CHECK(moved.is_open());
    moved.give(make_error(ErrorCode::text_too_long, "too long"));
  }
  CHECK(unwrap_error(reply.result()).code == ErrorCode::text_too_long);
  CHECK(reply.told().times == 1);
}

TEST_CASE("what cannot be told for want of memory is told as lost") {
  struct Failing final : Receiver<int> {
    explicit Failing(int& drops) : drops_(drops) {}
    void receive(runed::Result<int> /*result*/) override { throw std::bad_alloc(); }
    void drop() noexcept override { ++drops_; }
    int& drops_;
  };
  int drops = 0;
  {
    Answer<int> answer(std::make_unique<Failing>(drops));
    answer.give(1);
  }
  CHECK(drops == 1);
}

TEST_CASE("an answer is wanted until it is given or its caller has left") {
  Reply reply;
  EmbedAnswer answer = reply.make_answer();
  CHECK(answer.is_wanted());
  reply.cancel();
  CHECK_FALSE(answer.is_wanted());
  CHECK(answer.is_open());
}
