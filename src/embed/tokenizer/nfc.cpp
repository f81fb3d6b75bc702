#include "embed/tokenizer/nfc.hpp"

#include <utf8proc.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "base/check.hpp"
#include "embed/tokenizer/word_piece_characters.hpp"

// utf8proc_map does all of this in one call, but puts combining marks in order with an insertion
// sort: a text of a million marks would take minutes. The steps are the same, the sort is ours. And
// utf8proc knows characters that are newer than the reference, which is of Unicode 9: to that they are
// characters without a class and without parts.

namespace runed::embed {
namespace {

using CodePoint = utf8proc_int32_t;

// HANGUL JUNGSEONG O-YAE stands right before the trailing consonants. utf8proc takes it for one and
// drops it after a syllable; it composes with nothing, so that the text may be cut there.
constexpr CodePoint kBeforeTrailingConsonants = 0x11A7;

// Nothing below U+0300 changes, and every byte of such text is below the lead byte of U+0300.
bool is_plain(std::string_view text) {
  return std::ranges::none_of(text, [](char c) { return static_cast<unsigned char>(c) >= 0xCC; });
}

// What composes with the one before it since Unicode 13 (U+11935, Dives Akuru).
constexpr CodePoint kNewVowel = 0x11930;

bool has_bit(CodePoint c, uint8_t bit) {
  static const WordPieceCharacters characters;
  return (characters.of(static_cast<uint32_t>(c)) & bit) != 0;
}

int class_of_utf8proc(CodePoint c) {
  return utf8proc_get_property(c)->combining_class;
}

int combining_class(CodePoint c) {
  return has_bit(c, WordPieceCharacters::kOrdered) ? class_of_utf8proc(c) : 0;
}

// Tells whether what stands before a character composes with nothing from there on.
bool is_cut_before(CodePoint c) {
  return c == kBeforeTrailingConsonants || c == kNewVowel ||
         class_of_utf8proc(c) != combining_class(c);
}

std::vector<CodePoint> decompose(std::string_view text) {
  std::vector<CodePoint> points;
  points.reserve(text.size());
  const auto* bytes = reinterpret_cast<const utf8proc_uint8_t*>(text.data());
  for (size_t offset = 0; offset < text.size();) {
    CodePoint point = 0;
    const utf8proc_ssize_t length = utf8proc_iterate(
        bytes + offset, static_cast<utf8proc_ssize_t>(text.size() - offset), &point);
    CHECK(length > 0);
    offset += static_cast<size_t>(length);
    if (!has_bit(point, WordPieceCharacters::kDecomposed)) {
      points.push_back(point);
      continue;
    }
    std::array<CodePoint, 16> parts{};  // Unicode has none of more than four.
    int boundary = 0;
    const utf8proc_ssize_t count =
        utf8proc_decompose_char(point, parts.data(), parts.size(), UTF8PROC_DECOMPOSE, &boundary);
    CHECK(count > 0 && static_cast<size_t>(count) <= parts.size());
    points.insert(points.end(), parts.begin(), parts.begin() + count);
  }
  return points;
}

// Puts each run of combining marks in the order of their classes.
void order_marks(std::span<CodePoint> points) {
  const auto is_mark = [](CodePoint c) { return combining_class(c) != 0; };
  auto end = points.begin();
  while (true) {
    const auto begin = std::find_if(end, points.end(), is_mark);
    if (begin == points.end()) return;
    end = std::find_if_not(begin, points.end(), is_mark);
    std::ranges::stable_sort(begin, end, {}, combining_class);
  }
}

void append_composed(std::span<CodePoint> points, std::string& text) {
  const utf8proc_ssize_t count =
      utf8proc_normalize_utf32(points.data(), static_cast<utf8proc_ssize_t>(points.size()),
                               static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE));
  CHECK(count >= 0);
  for (const CodePoint point : points.first(static_cast<size_t>(count))) {
    std::array<utf8proc_uint8_t, 4> bytes{};
    const utf8proc_ssize_t length = utf8proc_encode_char(point, bytes.data());
    text.append(reinterpret_cast<const char*>(bytes.data()), static_cast<size_t>(length));
  }
}

}  // namespace

std::string_view to_nfc(std::string_view text, std::string& storage) {
  if (is_plain(text)) return text;
  std::vector<CodePoint> points = decompose(text);
  order_marks(points);
  storage.clear();
  auto begin = points.begin();
  while (begin != points.end()) {
    auto end = std::find_if(begin + 1, points.end(), is_cut_before);
    append_composed({begin, end}, storage);
    begin = end;
  }
  return storage;
}

}  // namespace runed::embed
