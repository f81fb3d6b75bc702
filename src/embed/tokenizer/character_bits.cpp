#include "embed/tokenizer/character_bits.hpp"

#include <algorithm>
#include <map>
#include <utility>

namespace runed::embed {

CharacterBits::CharacterBits(std::span<const Row> rows) {
  for (const Row& row : rows) {
    for (const CharacterRange& range : row.ranges) add(range, row.bit);
  }
  share_equal_pages();
}

void CharacterBits::add(const CharacterRange& range, uint8_t bit) {
  for (uint32_t point = range.first; point <= range.last;) {
    uint16_t& page = page_of_[point >> 8];
    if (page == 0) {
      page = static_cast<uint16_t>(pages_.size());
      pages_.emplace_back();
    }
    const uint32_t end = std::min(range.last, point | 0xFF);
    for (; point <= end; ++point) pages_[page][point & 0xFF] |= bit;
  }
}

void CharacterBits::share_equal_pages() {
  std::map<Page, uint16_t> known;
  std::vector<Page> pages;
  for (uint16_t& page : page_of_) {
    const auto [entry, is_new] =
        known.try_emplace(pages_[page], static_cast<uint16_t>(pages.size()));
    if (is_new) pages.push_back(entry->first);
    page = entry->second;
  }
  pages_ = std::move(pages);
}

}  // namespace runed::embed
