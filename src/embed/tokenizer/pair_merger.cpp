#include "embed/tokenizer/pair_merger.hpp"

#include <algorithm>
#include <functional>

namespace runed::embed {

void PairMerger::propose(uint32_t place) {
  Symbol& symbol = symbols_[place];
  symbol.rank = symbol.next == kNoSymbol ? MergeTable::kNoRank
                                         : merges_.find_rank(symbol.id, symbols_[symbol.next].id);
  if (symbol.rank == MergeTable::kNoRank) return;
  queue_.push_back(uint64_t{symbol.rank} << 32 | place);
  std::ranges::push_heap(queue_, std::greater{});
}

void PairMerger::merge_all() {
  while (!queue_.empty()) {
    std::ranges::pop_heap(queue_, std::greater{});
    const auto rank = static_cast<uint32_t>(queue_.back() >> 32);
    const auto place = static_cast<uint32_t>(queue_.back());
    queue_.pop_back();
    // One of the two may have been merged since: then this is no longer the merge here.
    Symbol& left = symbols_[place];
    if (left.rank != rank) continue;
    Symbol& right = symbols_[left.next];
    left.id = merges_.merged_at(rank);
    left.next = right.next;
    right = {kMerged, kNoSymbol, kNoSymbol, MergeTable::kNoRank};
    if (left.next != kNoSymbol) symbols_[left.next].previous = place;
    if (left.previous != kNoSymbol) propose(left.previous);
    propose(place);
  }
}

void PairMerger::merge_into(std::vector<TokenId>& ids) {
  if (!symbols_.empty()) symbols_.back().next = kNoSymbol;
  for (uint32_t place = 0; place < symbols_.size(); ++place) propose(place);
  merge_all();
  for (const Symbol& symbol : symbols_) {
    if (symbol.id != kMerged) ids.push_back(symbol.id);
  }
  symbols_.clear();
}

}  // namespace runed::embed
