#include "embed/tokenizer/piece_trie.hpp"

#include <bit>
#include <utility>

namespace runed::embed {

// Real vocabularies have about two nodes a piece.
PieceTrie::PieceTrie(size_t pieces) : slots_(std::bit_ceil(3 * pieces + 4)) {}

void PieceTrie::add(std::string_view piece, TokenId id) {
  uint64_t node = kRoot;
  while (!piece.empty()) {
    if (3 * static_cast<size_t>(nodes_) >= 2 * slots_.size()) grow();
    const DecodedCharacter next = first_character(piece);
    piece.remove_prefix(next.length);
    const uint64_t key = key_of(node, next.point);
    Slot& slot = slots_[find_slot(key)];
    if (slot.node == kFree) slot = {key, nodes_++, kNoPiece};
    if (piece.empty()) slot.piece = id;
    node = slot.node;
  }
}

TokenId PieceTrie::find(std::string_view text) const {
  TokenId found = kNoPiece;
  for_each_prefix(text, [&](TokenId id, size_t length) {
    if (length == text.size()) found = id;
  });
  return found;
}

void PieceTrie::grow() {
  const std::vector<Slot> old = std::exchange(slots_, std::vector<Slot>(2 * slots_.size()));
  for (const Slot& slot : old) {
    if (slot.node != kFree) slots_[find_slot(slot.key)] = slot;
  }
}

}  // namespace runed::embed
