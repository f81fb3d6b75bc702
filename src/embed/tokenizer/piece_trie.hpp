#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string_view>
#include <vector>

#include "embed/model/token_id.hpp"
#include "embed/tokenizer/grapheme.hpp"
#include "embed/tokenizer/number_table.hpp"

namespace runed::embed {

/// Finds which pieces a text begins with, character by character. A table by node and character, in
/// place of a double array: it is built without sorting, in a tenth of the time.
class PieceTrie {
 public:
  static constexpr TokenId kNoPiece = std::numeric_limits<TokenId>::max();

  /// Makes room for that many pieces; it grows where they need more.
  explicit PieceTrie(size_t pieces);

  /// Adds a piece of well-formed UTF-8; an equal one that is there gets this id.
  void add(std::string_view piece, TokenId id);

  /// Calls use(id, length) for each piece that a text begins with, the shortest first.
  template <typename Use>
  void for_each_prefix(std::string_view text, const Use& use) const {
    uint64_t node = kRoot;
    for (size_t length = 0; length < text.size();) {
      const DecodedCharacter next = first_character(text.substr(length));
      const Slot& slot = slots_[find_slot(key_of(node, next.point))];
      if (slot.node == kFree) return;
      node = slot.node;
      length += next.length;
      if (slot.piece != kNoPiece) use(slot.piece, length);
    }
  }

  /// Finds the piece that is this text; kNoPiece if there is none.
  TokenId find(std::string_view text) const;

 private:
  static constexpr uint32_t kRoot = 0;
  static constexpr uint32_t kFree = 0;  // No character leads to the root.
  static constexpr int kBitsOfCharacter = 21;

  struct Slot {
    uint64_t key = 0;
    uint32_t node = kFree;
    TokenId piece = kNoPiece;  // That ends at the node.
  };

  static uint64_t key_of(uint64_t node, char32_t point) { return node << kBitsOfCharacter | point; }

  // The slot of the key, or the free one where it belongs.
  size_t find_slot(uint64_t key) const {
    const size_t mask = slots_.size() - 1;
    size_t i = fold(key ^ 0xA0761D6478BD642F, 0xE7037ED1A0B428DB) & mask;
    while (slots_[i].node != kFree && slots_[i].key != key) i = (i + 1) & mask;
    return i;
  }
  void grow();

  std::vector<Slot> slots_;  // Open addressing; a power of two, at most two thirds full.
  uint32_t nodes_ = 1;       // The root among them.
};

}  // namespace runed::embed
