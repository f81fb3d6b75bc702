#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "embed/model/token_id.hpp"

namespace runed::embed {

/// A piece and its number.
struct NumberedPiece {
  std::string_view text;
  TokenId id = 0;
};

/// Finds which pieces a text begins with: a trie by bytes, in which what only one piece has left is
/// not cut into nodes. It is built from the sorted pieces in one run over each of their bytes; a table
/// by node and character took four times as long, most of it waiting for memory.
class PieceTrie {
 public:
  static constexpr TokenId kNoPiece = std::numeric_limits<TokenId>::max();

  PieceTrie() = default;

  /// Builds it, and borrows nothing. Of equal pieces the last counts, and empty ones do not.
  /// Needs: less than 4 GiB of text.
  explicit PieceTrie(std::span<const NumberedPiece> pieces);

  /// Calls use(id, length) for each piece that a text begins with, the shortest first.
  template <typename Use>
  void for_each_prefix(std::string_view text, const Use& use) const {
    if (nodes_.empty()) return;
    const Node* node = nodes_.data();
    for (size_t length = 0;; ++length) {
      if (node->has_tail) {
        const std::string_view tail = std::string_view(tails_).substr(node->first, node->count);
        if (text.substr(length).starts_with(tail)) use(node->piece, length + tail.size());
        return;
      }
      if (node->piece != kNoPiece) use(node->piece, length);
      if (length == text.size() || node->count == 0) return;
      const void* found = std::memchr(&labels_[node->first], text[length], node->count);
      if (found == nullptr) return;
      node = &nodes_[static_cast<size_t>(static_cast<const char*>(found) - labels_.data())];
    }
  }

  /// Finds the piece that is this text; kNoPiece if there is none.
  TokenId find(std::string_view text) const;

 private:
  struct Node {
    uint32_t first = 0;  // The first of its children, which follow each other; or of its tail.
    uint32_t count = 0;  // Children, or the bytes of its tail.
    TokenId piece = kNoPiece;  // That ends at the node, or with its tail.
    bool has_tail = false;
  };

  struct Range;
  void add_children(std::span<const NumberedPiece> sorted, const Range& of,
                    std::vector<Range>& next);

  std::vector<Node> nodes_;   // By depth, the root first.
  std::vector<char> labels_;  // Of each node, what leads to it.
  std::string tails_;
};

}  // namespace runed::embed
