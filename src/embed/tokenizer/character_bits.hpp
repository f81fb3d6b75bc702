#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

namespace runed::embed {

/// Characters, from the first to the last.
struct CharacterRange {
  uint32_t first;
  uint32_t last;
};

/// Bits for each character of Unicode, in pages of which equal ones are kept once.
class CharacterBits {
 public:
  /// What gets a bit.
  struct Row {
    std::span<const CharacterRange> ranges;
    uint8_t bit = 0;
  };

  explicit CharacterBits(std::span<const Row> rows);

  /// Returns the bits of a character.
  /// Needs: point < 0x110000.
  uint8_t of(uint32_t point) const { return pages_[page_of_[point >> 8]][point & 0xFF]; }

 private:
  using Page = std::array<uint8_t, 256>;

  void add(const CharacterRange& range, uint8_t bit);
  void share_equal_pages();

  std::array<uint16_t, 0x1100> page_of_{};
  std::vector<Page> pages_{Page{}};  // The first has no bits.
};

}  // namespace runed::embed
