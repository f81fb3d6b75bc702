#include "embed/tokenizer/score_merges.hpp"

#include <limits>
#include <string_view>
#include <vector>

#include "support/result_matchers.hpp"

using runed::ErrorCode;
using runed::embed::merges_by_score;
using runed::embed::MergeTable;
using runed::embed::TokenIndex;
using runed::test::unwrap;
using runed::test::unwrap_error;

namespace {

using Tokens = std::vector<std::string_view>;

}  // namespace

TEST_CASE("a token is merged from whatever two tokens spell it, the higher score first") {
  const Tokens tokens{"a", "b", "é", "ab", "abé", "bé", "a"};
  const TokenIndex index(tokens);
  const MergeTable merges =
      unwrap(merges_by_score(index, std::vector<float>{0, 0, 0, -2, -1, -3, 0}));
  CHECK(merges.find_rank(3, 2) == 0);  // ab é: of one score, the longer left part first.
  CHECK(merges.find_rank(0, 5) == 1);  // a bé.
  CHECK(merges.find_rank(0, 1) == 2);  // a b.
  CHECK(merges.find_rank(1, 2) == 3);  // b é.
  CHECK(merges.merged_at(0) == 4);
  CHECK(merges.merged_at(3) == 5);
  CHECK(merges.find_rank(6, 1) == MergeTable::kNoRank);  // Of equal tokens, the first.
  CHECK(merges.find_rank(2, 1) == MergeTable::kNoRank);
}

TEST_CASE("scores that do not fit their tokens are refused") {
  const Tokens tokens{"a", "b"};
  const TokenIndex index(tokens);
  const auto few = unwrap_error(merges_by_score(index, std::vector<float>{0}));
  CHECK(few.code == ErrorCode::model_corrupt);
  CHECK(few.message == "key 'tokenizer.ggml.scores' has 1 elements where 2 were expected");
  const float nan = std::numeric_limits<float>::quiet_NaN();
  CHECK(unwrap_error(merges_by_score(index, std::vector<float>{0, nan})).message ==
        "key 'tokenizer.ggml.scores' has nan at 1");
}
