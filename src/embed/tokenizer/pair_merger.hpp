#pragma once

#include <cstdint>
#include <limits>
#include <vector>

#include "embed/model/token_id.hpp"
#include "embed/tokenizer/merge_table.hpp"

namespace runed::embed {

/// Merges the tokens of a word: the pair of the lowest rank first, leftmost first, until no pair is
/// left that is merged. Its memory serves the next word.
/// Source: Sennrich et al. 2016, algorithm 1.
class PairMerger {
 public:
  /// Borrows the table.
  explicit PairMerger(const MergeTable& merges) : merges_(merges) {}

  /// Adds a token to the word.
  /// Needs: fewer than 2^32 - 1 of them.
  void add(TokenId id) {
    const auto place = static_cast<uint32_t>(symbols_.size());
    symbols_.push_back({id, place == 0 ? kNoSymbol : place - 1, place + 1, MergeTable::kNoRank});
  }

  /// Appends the ids of the word, which is empty then. Takes n log n time, whatever the word.
  /// Owns: some 40 bytes for each token that was added.
  void merge_into(std::vector<TokenId>& ids);

 private:
  static constexpr uint32_t kNoSymbol = std::numeric_limits<uint32_t>::max();
  static constexpr TokenId kMerged = std::numeric_limits<TokenId>::max();

  // A list, so that a merge moves nothing.
  struct Symbol {
    TokenId id;         // kMerged once merged into the one before.
    uint32_t previous;  // kNoSymbol at the start.
    uint32_t next;      // kNoSymbol at the end.
    uint32_t rank;      // Of the merge with the next; kNoRank if there is none.
  };

  void propose(uint32_t place);
  void merge_all();

  const MergeTable& merges_;
  std::vector<Symbol> symbols_;
  std::vector<uint64_t> queue_;  // A heap of (rank, place), the least on top.
};

}  // namespace runed::embed
