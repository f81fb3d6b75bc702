#include "embed/tokenizer/unigram_normalizer.hpp"

#include "embed/tokenizer/grapheme.hpp"

namespace runed::embed {
namespace {

// The reference looks up a cluster as a whole only if it is shorter.
constexpr size_t kLongestCluster = 6;  // Bytes, the first that is too long.

// Rust's char::is_whitespace. Source: Unicode, PropList.txt, White_Space.
bool is_white_space(char32_t c) {
  if (c < 0x80) return c == ' ' || (c >= '\t' && c <= '\r');
  return c == 0x85 || c == 0xA0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200A) || c == 0x2028 ||
         c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000;
}

bool is_ascii(char byte) {
  return static_cast<unsigned char>(byte) < 0x80;
}

bool is_inside_character(char byte) {
  return (static_cast<unsigned char>(byte) & 0xC0) == 0x80;
}

std::string_view without_leading_space(std::string_view text) {
  while (!text.empty()) {
    const DecodedCharacter first = first_character(text);
    if (!is_white_space(first.point)) break;
    text.remove_prefix(first.length);
  }
  return text;
}

std::string_view without_trailing_space(std::string_view text) {
  while (!text.empty()) {
    size_t begin = text.size() - 1;
    while (is_inside_character(text[begin])) --begin;
    if (!is_white_space(first_character(text.substr(begin)).point)) break;
    text = text.substr(0, begin);
  }
  return text;
}

// Where the first white space of a text is; its size if there is none.
size_t find_white_space(std::string_view text) {
  size_t offset = 0;
  while (offset < text.size()) {
    const DecodedCharacter next = first_character(text.substr(offset));
    if (is_white_space(next.point)) break;
    offset += next.length;
  }
  return offset;
}

void merge_spaces(std::string& text) {
  size_t end = 0;
  for (const char byte : text) {
    if (byte == ' ' && end > 0 && text[end - 1] == ' ') continue;
    text[end++] = byte;
  }
  text.resize(end);
}

}  // namespace

void UnigramNormalizer::replace(std::string_view cluster, std::string& normal) const {
  if (cluster.size() < kLongestCluster) {
    if (const auto found = charsmap_.find(cluster)) {
      normal += *found;
      return;
    }
  }
  while (!cluster.empty()) {
    const std::string_view character = cluster.substr(0, first_character(cluster).length);
    normal += charsmap_.find(character).value_or(character);
    cluster.remove_prefix(character.size());
  }
}

std::string UnigramNormalizer::normalize(std::string_view text) const {
  std::string normal;
  normal.reserve(text.size() + text.size() / 8);
  while (!text.empty()) {
    // Of ASCII only CR and LF are one cluster.
    const bool is_alone =
        is_ascii(text[0]) && text[0] != '\r' && (text.size() == 1 || is_ascii(text[1]));
    const size_t length = is_alone ? 1 : first_cluster(text);
    replace(text.substr(0, length), normal);
    text.remove_prefix(length);
  }
  std::string_view kept = normal;
  if (options_.strip_left) kept = without_leading_space(kept);
  if (options_.strip_right) kept = without_trailing_space(kept);
  if (kept.size() != normal.size()) normal = std::string(kept);
  if (options_.merge_spaces) merge_spaces(normal);
  return normal;
}

bool UnigramNormalizer::next_word(std::string_view& rest, std::string& word) const {
  if (options_.split_words) rest = without_leading_space(rest);
  if (rest.empty()) return false;
  const size_t length = options_.split_words ? find_white_space(rest) : rest.size();
  word.clear();
  for (const char byte : rest.substr(0, length)) {
    if (byte == ' ') {
      word += kMark;
    } else {
      word += byte;
    }
  }
  if (options_.mark_begin && !word.starts_with(kMark)) word.insert(0, kMark);
  rest.remove_prefix(length);
  return true;
}

}  // namespace runed::embed
