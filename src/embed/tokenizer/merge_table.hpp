#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "embed/model/token_id.hpp"
#include "embed/tokenizer/number_table.hpp"
#include "embed/tokenizer/run_units.hpp"
#include "embed/tokenizer/token_index.hpp"

namespace runed::embed {

/// Which pairs of tokens are merged into which, and which of them first: the one of the lowest rank.
class MergeTable {
 public:
  static constexpr uint32_t kNoRank = NumberTable::kNone;

  struct Merge {
    TokenId left = 0;
    TokenId right = 0;
    TokenId merged = 0;
  };

  MergeTable() = default;

  /// Takes merges in the order of their rank. Of equal pairs the last counts, as in the reference.
  explicit MergeTable(std::vector<Merge> merges);

  /// Turns merges, each `left right`, into ids. Borrows nothing. `run_units`, if there is one, helps
  /// while this runs.
  /// Errors: model_corrupt if a merge is not of tokens.
  static Result<MergeTable> create(const TokenIndex& index,
                                   std::span<const std::string_view> merges,
                                   const RunUnits& run_units = {});

  /// Returns the rank of a pair, or kNoRank.
  uint32_t find_rank(TokenId left, TokenId right) const;

  TokenId merged_at(uint32_t rank) const { return merges_[rank].merged; }

 private:
  static uint64_t hash_of_pair(TokenId left, TokenId right) {
    return fold(uint64_t{left} << 32 | right, 0xA0761D6478BD642FU);  // Source: wyhash, _wyp.
  }
  auto is_of(TokenId left, TokenId right) const {
    return [=, this](uint32_t rank) {
      return merges_[rank].left == left && merges_[rank].right == right;
    };
  }

  std::vector<Merge> merges_;     // By rank.
  NumberTable ranks_{size_t{0}};  // By their pair.
};

inline uint32_t MergeTable::find_rank(TokenId left, TokenId right) const {
  return ranks_.find(hash_of_pair(left, right), is_of(left, right));
}

}  // namespace runed::embed
