#include "embed/tokenizer/word_piece_characters.hpp"

#include <algorithm>
#include <map>

#include "embed/tokenizer/word_piece_ranges.hpp"

namespace runed::embed {

WordPieceCharacters::WordPieceCharacters() {
  const auto add_all = [this](const auto& ranges, uint8_t bits) {
    for (const word_piece::Range& range : ranges) add(range.first, range.last, bits);
  };
  add_all(word_piece::kDeleted, kDeleted);
  add_all(word_piece::kWhite, kWhite);
  add_all(word_piece::kCjk, kCjk);
  add_all(word_piece::kMarks, kMark);
  add_all(word_piece::kPunctuation, kPunctuation);
  add_all(word_piece::kDecomposed, kDecomposed);
  add_all(word_piece::kOrdered, kOrdered);
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

void WordPieceCharacters::add(uint32_t first, uint32_t last, uint8_t bits) {
  for (uint32_t point = first; point <= last;) {
    uint16_t& page = page_of_[point >> 8];
    if (page == 0) {
      page = static_cast<uint16_t>(pages_.size());
      pages_.emplace_back();
    }
    const uint32_t end = std::min(last, point | 0xFF);
    for (; point <= end; ++point) pages_[page][point & 0xFF] |= bits;
  }
}

}  // namespace runed::embed
