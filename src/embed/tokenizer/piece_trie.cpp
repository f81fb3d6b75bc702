#include "embed/tokenizer/piece_trie.hpp"

#include <algorithm>
#include <tuple>

namespace runed::embed {
namespace {

// A piece with its first bytes as a number, which says of most pairs which comes first.
struct SortedPiece {
  uint64_t begin = 0;
  uint64_t next = 0;
  uint32_t index = 0;
};

uint64_t big_endian(std::string_view text) {
  uint64_t number = 0;
  for (size_t i = 0; i < sizeof number; ++i) {
    number = number << 8 | (i < text.size() ? static_cast<unsigned char>(text[i]) : 0);
  }
  return number;
}

std::vector<NumberedPiece> sort(std::span<const NumberedPiece> pieces) {
  std::vector<SortedPiece> order;
  order.reserve(pieces.size());
  for (size_t i = 0; i < pieces.size(); ++i) {
    const std::string_view text = pieces[i].text;
    if (text.empty()) continue;
    const std::string_view rest = text.substr(std::min(text.size(), sizeof(uint64_t)));
    order.push_back({big_endian(text), big_endian(rest), static_cast<uint32_t>(i)});
  }
  std::ranges::sort(order, [&](const SortedPiece& a, const SortedPiece& b) {
    if (a.begin != b.begin) return a.begin < b.begin;
    if (a.next != b.next) return a.next < b.next;
    return std::tie(pieces[a.index].text, a.index) < std::tie(pieces[b.index].text, b.index);
  });
  std::vector<NumberedPiece> sorted;
  sorted.reserve(order.size());
  for (const SortedPiece& each : order) {
    const NumberedPiece& piece = pieces[each.index];
    if (!sorted.empty() && sorted.back().text == piece.text) sorted.pop_back();
    sorted.push_back(piece);
  }
  return sorted;
}

}  // namespace

// Sorted pieces that have the same first bytes, and the node that these lead to.
struct PieceTrie::Range {
  size_t begin = 0;
  size_t end = 0;
  size_t depth = 0;  // How many bytes.
  size_t node = 0;
};

PieceTrie::PieceTrie(std::span<const NumberedPiece> pieces) {
  const std::vector<NumberedPiece> sorted = sort(pieces);
  // Real vocabularies have one to two nodes a piece.
  nodes_.reserve(2 * sorted.size() + 1);
  labels_.reserve(2 * sorted.size() + 1);
  nodes_.resize(1);
  labels_.resize(1);
  std::vector<Range> level{{.begin = 0, .end = sorted.size(), .depth = 0, .node = 0}};
  while (!level.empty()) {
    std::vector<Range> next;
    for (const Range& range : level) add_children(sorted, range, next);
    level = std::move(next);
  }
}

void PieceTrie::add_children(std::span<const NumberedPiece> sorted, const Range& of,
                             std::vector<Range>& next) {
  const size_t depth = of.depth;
  if (of.end - of.begin == 1) {
    const std::string_view tail = sorted[of.begin].text.substr(depth);
    nodes_[of.node] = {static_cast<uint32_t>(tails_.size()), static_cast<uint32_t>(tail.size()),
                       sorted[of.begin].id, true};
    tails_ += tail;
    return;
  }
  size_t begin = of.begin;
  // The shortest is the first, and no other is its equal.
  if (begin < of.end && sorted[begin].text.size() == depth)
    nodes_[of.node].piece = sorted[begin++].id;
  nodes_[of.node].first = static_cast<uint32_t>(nodes_.size());
  while (begin < of.end) {
    const char label = sorted[begin].text[depth];
    size_t end = begin + 1;
    while (end < of.end && sorted[end].text[depth] == label) ++end;
    next.push_back({.begin = begin, .end = end, .depth = depth + 1, .node = nodes_.size()});
    nodes_.emplace_back();
    labels_.push_back(label);
    begin = end;
  }
  nodes_[of.node].count = static_cast<uint32_t>(nodes_.size()) - nodes_[of.node].first;
}

TokenId PieceTrie::find(std::string_view text) const {
  TokenId found = kNoPiece;
  for_each_prefix(text, [&](TokenId id, size_t length) {
    if (length == text.size()) found = id;
  });
  return found;
}

}  // namespace runed::embed
