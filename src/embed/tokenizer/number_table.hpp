#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

namespace runed::embed {

/// Mixes two words into a hash whose bits all depend on all of theirs.
/// Source: wyhash, _wymix.
constexpr uint64_t fold(uint64_t a, uint64_t b) {
  __extension__ using Wide = unsigned __int128;
  const Wide product = Wide{a} * b;
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

/// Finds the number of a thing by its hash. Who asks keeps the things and compares them: a part of
/// the hash beside the number spares most looks at those that are others.
class NumberTable {
 public:
  static constexpr uint32_t kNone = std::numeric_limits<uint32_t>::max();

  NumberTable() = default;

  /// Makes room for `count` things, which is all that it takes.
  explicit NumberTable(size_t count) : slots_(std::bit_ceil(count + count / 2 + 1)) {}

  /// Returns the number of the thing of this hash for which is_it(number); kNone if there is none.
  /// Needs: a table that was made for a count.
  template <typename IsIt>
  uint32_t find(uint64_t hash, const IsIt& is_it) const {
    return slots_[find_slot(hash, is_it)].number;
  }

  /// Adds a number; an equal thing that is there already keeps its own.
  template <typename IsIt>
  void insert(uint64_t hash, uint32_t number, const IsIt& is_it) {
    Slot& slot = slots_[find_slot(hash, is_it)];
    if (slot.number == kNone) slot = {mark_of(hash), number};
  }

 private:
  struct Slot {
    uint32_t mark = 0;
    uint32_t number = kNone;  // kNone where the slot is empty.
  };

  static constexpr uint32_t mark_of(uint64_t hash) { return static_cast<uint32_t>(hash >> 32); }

  // The slot of the thing, or the free one where it belongs.
  template <typename IsIt>
  size_t find_slot(uint64_t hash, const IsIt& is_it) const {
    const size_t mask = slots_.size() - 1;
    size_t i = hash & mask;
    while (slots_[i].number != kNone &&
           !(slots_[i].mark == mark_of(hash) && is_it(slots_[i].number))) {
      i = (i + 1) & mask;
    }
    return i;
  }

  std::vector<Slot> slots_;  // Open addressing; a power of two, at most two thirds full.
};

}  // namespace runed::embed
