#include "embed/tokenizer/merge_table.hpp"

#include <string_view>
#include <vector>

#include "support/result_matchers.hpp"

using runed::embed::MergeTable;
using runed::embed::TokenId;
using runed::embed::TokenIndex;
using runed::test::unwrap;

// byte_pair_encoding_test.cpp has what is refused, and what threads find.
TEST_CASE("merges are found by their pair, and of equal ones the last counts") {
  const std::vector<std::string_view> tokens{"a", "b", "ab", "ba"};
  const std::vector<std::string_view> merges{"a b", "b a", "a b"};
  const MergeTable table = unwrap(MergeTable::create(TokenIndex(tokens), merges));
  CHECK(table.find_rank(0, 1) == 2);
  CHECK(table.find_rank(1, 0) == 1);
  CHECK(table.find_rank(0, 0) == MergeTable::kNoRank);
  CHECK(table.merged_at(2) == 2);
  CHECK(table.merged_at(1) == 3);
  CHECK(MergeTable().find_rank(0, 1) == MergeTable::kNoRank);
}
