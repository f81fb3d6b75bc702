#include "base/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <numeric>
#include <utility>

namespace runed {
namespace {

// The length of the well-formed UTF-8 sequence at the start of `text`, or 0. The bounds of the
// second byte exclude overlong forms, surrogates and values past U+10FFFF.
size_t utf8_sequence_length(std::string_view text) {
  const auto byte = [text](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return 1;
  const size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || text.size() < length) return 0;
  const unsigned char low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
  const unsigned char high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
  if (byte(1) < low || byte(1) > high) return 0;
  for (size_t i = 2; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return 0;
  }
  return length;
}

// How many bytes have to be put in, left out, changed or swapped with their neighbour (the optimal
// string alignment distance).
size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<size_t> before;  // The row before the last one.
  std::vector<size_t> last(b.size() + 1);
  std::iota(last.begin(), last.end(), size_t{0});
  for (size_t i = 0; i < a.size(); ++i) {
    std::vector<size_t> row(b.size() + 1, i + 1);
    for (size_t j = 0; j < b.size(); ++j) {
      const size_t changed = last[j] + (a[i] == b[j] ? 0 : 1);
      row[j + 1] = std::min({row[j] + 1, last[j + 1] + 1, changed});
      const bool is_swap = i > 0 && j > 0 && a[i] == b[j - 1] && a[i - 1] == b[j];
      if (is_swap) row[j + 1] = std::min(row[j + 1], before[j - 1] + 1);
    }
    before = std::exchange(last, std::move(row));
  }
  return last.back();
}

}  // namespace

std::optional<size_t> find_invalid_utf8(std::string_view text) {
  size_t offset = 0;
  while (offset < text.size()) {
    const size_t length = utf8_sequence_length(text.substr(offset));
    if (length == 0) return offset;
    offset += length;
  }
  return std::nullopt;
}

bool is_blank(std::string_view text) {
  return text.find_first_not_of(" \t\r\n\v\f") == std::string_view::npos;
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (true) {
    const size_t end = text.find(separator);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

bool contains_in_any_case(std::string_view text, std::string_view word) {
  const auto is_same = [](char of_text, char of_word) {
    return of_text == of_word || (of_text >= 'A' && of_text <= 'Z' && of_text + 32 == of_word);
  };
  return !std::ranges::search(text, word, is_same).empty() || word.empty();
}

std::optional<std::string> find_nearest(std::string_view word,
                                        std::span<const std::string> candidates) {
  const auto distance = [word](const std::string& candidate) {
    return edit_distance(word, candidate);
  };
  const auto best = std::ranges::min_element(candidates, {}, distance);
  // A third of the letters may be wrong, and always one: past that it is a guess, not a
  // misspelling.
  if (best == candidates.end() || distance(*best) > std::max<size_t>(1, word.size() / 3)) {
    return std::nullopt;
  }
  return *best;
}

std::string escape_invalid_utf8(std::string_view bytes) {
  std::string text;
  while (const auto invalid = find_invalid_utf8(bytes)) {
    text += bytes.substr(0, *invalid);
    text += fmt::format("\\x{:02x}", static_cast<unsigned char>(bytes[*invalid]));
    bytes.remove_prefix(*invalid + 1);
  }
  return text.append(bytes);
}

std::string printable(std::string_view bytes, size_t limit_bytes) {
  std::string text;
  while (!bytes.empty() && text.size() < limit_bytes) {
    const size_t length = utf8_sequence_length(bytes);
    const auto lead = static_cast<unsigned char>(bytes[0]);
    if (length == 0 || lead < 0x20 || lead == 0x7F) {
      text += fmt::format("\\x{:02x}", lead);
      bytes.remove_prefix(1);
    } else {
      text += bytes.substr(0, length);
      bytes.remove_prefix(length);
    }
  }
  return bytes.empty() ? text : text + "...";
}

std::string shell_quoted(std::string_view text) {
  std::string quoted = "'";
  for (const char c : text) {
    if (c == '\'') {
      quoted += "'\\''";
    } else {
      quoted += c;
    }
  }
  return quoted + "'";
}

std::string format_bytes(uint64_t bytes) {
  constexpr std::array kUnits{"KiB", "MiB", "GiB", "TiB"};
  if (bytes < 1024) return fmt::format("{} B", bytes);
  double value = static_cast<double>(bytes) / 1024;
  size_t unit = 0;
  while (value >= 1024 && unit + 1 < kUnits.size()) {
    value /= 1024;
    ++unit;
  }
  return fmt::format("{:.1f} {}", value, kUnits[unit]);
}

}  // namespace runed
