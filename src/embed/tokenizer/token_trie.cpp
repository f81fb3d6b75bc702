#include "embed/tokenizer/token_trie.hpp"

#include <algorithm>

namespace runed::embed {

uint32_t TokenTrie::next(uint32_t node, unsigned char byte) const {
  const std::vector<Edge>& edges = nodes_[node].edges;
  const auto found = std::ranges::lower_bound(edges, byte, {}, &Edge::byte);
  return found != edges.end() && found->byte == byte ? found->node : kRoot;
}

void TokenTrie::add(std::string_view text, TokenId id) {
  uint32_t node = kRoot;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    uint32_t child = next(node, byte);
    if (child == kRoot) {
      child = static_cast<uint32_t>(nodes_.size());
      nodes_.emplace_back();
      std::vector<Edge>& edges = nodes_[node].edges;
      edges.insert(std::ranges::lower_bound(edges, byte, {}, &Edge::byte), {byte, child});
      if (node == kRoot) first_[byte] = child;
    }
    node = child;
  }
  if (nodes_[node].token == kNoToken) nodes_[node].token = id;
}

std::optional<TokenTrie::Match> TokenTrie::find(std::string_view text, size_t offset) const {
  for (; offset < text.size(); ++offset) {
    uint32_t node = first_[static_cast<unsigned char>(text[offset])];
    if (node == kRoot) continue;
    std::optional<Match> longest;
    for (size_t length = 1;; ++length) {
      if (nodes_[node].token != kNoToken) longest = Match{offset, length, nodes_[node].token};
      if (offset + length == text.size()) break;
      node = next(node, static_cast<unsigned char>(text[offset + length]));
      if (node == kRoot) break;
    }
    if (longest) return longest;
  }
  return std::nullopt;
}

}  // namespace runed::embed
