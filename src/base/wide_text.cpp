#include "base/wide_text.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

namespace runed {
namespace {

using namespace std::string_view_literals;

enum class Order { little, big };

uint32_t unit_at(std::string_view text, size_t offset, size_t bytes, Order order) {
  uint32_t unit = 0;
  for (size_t i = 0; i < bytes; ++i) {
    const size_t place = order == Order::big ? i : bytes - 1 - i;
    unit = unit << 8 | static_cast<unsigned char>(text[offset + place]);
  }
  return unit;
}

bool is_visible_ascii(uint32_t unit) {
  return unit >= 0x20 && unit < 0x7F;
}

bool is_ascii(uint32_t unit) {
  return is_visible_ascii(unit) || unit == '\t' || unit == '\n' || unit == '\r';
}

// Whether a character is of a script or a kind that texts are made of.
bool is_of_texts(uint32_t unit) {
  struct Range {
    uint32_t first;
    uint32_t last;
  };
  // Source: Unicode 15, Blocks.txt: Latin to Arabic, those of India to Thai and Georgian, Latin and
  // Greek once more, punctuation and symbols, CJK, Hangul, surrogates, and what is for narrow CJK.
  constexpr std::array kRanges{Range{0x00A0, 0x077F}, Range{0x0900, 0x0EFF},
                               Range{0x10A0, 0x11FF}, Range{0x1E00, 0x22FF},
                               Range{0x2500, 0x27BF}, Range{0x3000, 0x318F},
                               Range{0x3400, 0x9FFF}, Range{0xAC00, 0xDFFF},
                               Range{0xF900, 0xFAFF}, Range{0xFE00, 0xFFEF}};
  return is_ascii(unit) || std::ranges::any_of(kRanges, [unit](const Range& range) {
           return unit >= range.first && unit <= range.last;
         });
}

/// What a text has if its bytes are taken for UTF-16.
struct Census {
  size_t units = 0;
  size_t of_texts = 0;
  size_t ascii = 0;
  size_t ascii_pairs = 0;  // Units that are two characters of ASCII as well.
  size_t low_nuls = 0;     // Units that end in a NUL: hardly any does.
  bool is_well_formed = true;
};

Census count_units(std::string_view text, Order order) {
  Census census;
  bool wants_low = false;
  for (size_t i = 0; i + 1 < text.size(); i += 2) {
    const uint32_t unit = unit_at(text, i, 2, order);
    const bool is_low = unit >= 0xDC00 && unit < 0xE000;
    if (wants_low != is_low) census.is_well_formed = false;
    wants_low = unit >= 0xD800 && unit < 0xDC00;
    ++census.units;
    if (is_of_texts(unit)) ++census.of_texts;
    if (is_ascii(unit)) ++census.ascii;
    if (is_visible_ascii(unit >> 8) && is_visible_ascii(unit & 0xFF)) ++census.ascii_pairs;
    if ((unit & 0xFF) == 0) ++census.low_nuls;
  }
  return census;
}

// Characters come of nearly all of it, and not of those that were there before: two of ASCII make a
// Chinese one. A list of names with a NUL after each must not be taken for a text.
bool is_text(const Census& census) {
  const bool is_enough = census.units >= 8 || 2 * census.ascii > census.units;
  return is_enough && census.is_well_formed && census.ascii > 0 &&
         100 * census.of_texts >= 95 * census.units &&
         4 * census.ascii_pairs <= 3 * (census.units - census.ascii) &&
         10 * census.low_nuls <= census.units;
}

bool is_utf32(std::string_view text, Order order) {
  if (text.size() < 8) return false;
  size_t of_texts = 0;
  size_t units = 0;
  for (size_t i = 0; i + 3 < text.size(); i += 4, ++units) {
    const uint32_t unit = unit_at(text, i, 4, order);
    if (unit == 0 || unit > 0x10FFFF || (unit >= 0xD800 && unit < 0xE000)) return false;
    if (is_of_texts(unit) || unit > 0xFFFF) ++of_texts;
  }
  return 100 * of_texts >= 95 * units;
}

// No text of bytes has so many of them, NULs among them: a twentieth.
bool has_control_characters(std::string_view text) {
  const auto controls = std::ranges::count_if(text, [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 && !is_ascii(byte);
  });
  return text.find('\0') != std::string_view::npos &&
         20 * static_cast<size_t>(controls) >= text.size();
}

}  // namespace

std::optional<WideEncoding> find_wide_encoding(std::string_view text) {
  if (text.starts_with("\xFF\xFE\0\0"sv) || text.starts_with("\0\0\xFE\xFF"sv)) {
    return WideEncoding{"UTF-32", true};
  }
  if (text.starts_with("\xFF\xFE"sv) || text.starts_with("\xFE\xFF"sv)) {
    return WideEncoding{"UTF-16", true};
  }
  if (text.size() < 4 && text.size() % 2 != 0) return std::nullopt;
  if (!has_control_characters(text)) return std::nullopt;
  if (is_utf32(text, Order::little)) return WideEncoding{"UTF-32LE"};
  if (is_utf32(text, Order::big)) return WideEncoding{"UTF-32BE"};
  const Census little = count_units(text, Order::little);
  const Census big = count_units(text, Order::big);
  if (is_text(little) && little.ascii >= big.ascii) return WideEncoding{"UTF-16LE"};
  if (is_text(big)) return WideEncoding{"UTF-16BE"};
  return std::nullopt;
}

}  // namespace runed
