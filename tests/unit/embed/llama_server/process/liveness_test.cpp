#include "embed/llama_server/process/liveness.hpp"

#include "support/catch.hpp"

using runed::SteadyTime;
using runed::embed::llama_server::Liveness;
using std::chrono::milliseconds;
using std::chrono::seconds;
using Verdict = runed::embed::llama_server::Liveness::Verdict;

namespace {

const Liveness::Limits kLimits{
    .silence = seconds(10), .pass = seconds(100), .pass_per_token = milliseconds(500)};
const SteadyTime kBegin{seconds(1000)};

Liveness pass_of(uint64_t tokens) {
  return {kLimits, kBegin, tokens, milliseconds(70)};
}

}  // namespace

TEST_CASE("a server without any sign of life is silent after the limit, and not before") {
  const Liveness liveness = pass_of(1);
  CHECK(liveness.judge(kBegin + seconds(10)) == Verdict::alive);
  CHECK(liveness.judge(kBegin + seconds(10) + milliseconds(1)) == Verdict::silent);
}

TEST_CASE("an answer is a sign of life") {
  Liveness liveness = pass_of(1);
  liveness.answered(kBegin + seconds(9));
  CHECK(liveness.judge(kBegin + seconds(19)) == Verdict::alive);
  CHECK(liveness.judge(kBegin + seconds(20)) == Verdict::silent);
}

TEST_CASE("CPU time is a sign of life only when it grows") {
  Liveness liveness = pass_of(1);
  liveness.used(milliseconds(70), kBegin + seconds(9));
  CHECK(liveness.judge(kBegin + seconds(11)) == Verdict::silent);
  liveness.used(milliseconds(80), kBegin + seconds(11));
  CHECK(liveness.judge(kBegin + seconds(21)) == Verdict::alive);
  CHECK(liveness.judge(kBegin + seconds(22)) == Verdict::silent);
}

TEST_CASE("a server that is alive and does not get done is overdue by its tokens") {
  Liveness liveness = pass_of(200);
  liveness.answered(kBegin + seconds(199));
  CHECK(liveness.judge(kBegin + seconds(200)) == Verdict::alive);
  CHECK(liveness.judge(kBegin + seconds(201)) == Verdict::overdue);
}
