#include "embed/tokenizer/pre_tokenizer.hpp"

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/check.hpp"
#include "embed/tokenizer/text_characters.hpp"
#include "embed/tokenizer/utf8_characters.hpp"

namespace runed::embed {
namespace {

using namespace text_character;

constexpr uint8_t kKinds = kLetter | kNumber | kWhite;  // A character is of one, or other.
constexpr uint8_t kOther = 0;

// What the end of a text, which is no character, is in place of a kind.
constexpr uint8_t kEnd = 0xFF;

// The expressions, without whose alternatives of the same order their words would be others:
//   gpt2    's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
//   llama3  (?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}
//           | ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+
//   qwen2   as llama3, with \p{N} alone
// Source: tokenizers, pre_tokenizers/byte_level.rs; tokenizer.json of Llama 3 and of Qwen2.
class Splitter {
 public:
  Splitter(SplitRule rule, std::string_view text)
      : rule_(rule), text_(text), characters_(text_characters()) {}

  // Where the word ends that begins at an offset within the text.
  size_t end_of_word(size_t begin) const {
    if (const size_t end = end_of_contraction(begin); end != begin) return end;
    return rule_ == SplitRule::gpt2 ? end_of_gpt2(begin) : end_of_llama3(begin);
  }

 private:
  uint8_t kind_at(size_t offset) const {
    if (offset == text_.size()) return kEnd;
    return characters_.of(next_character(text_, offset)) & kKinds;
  }

  size_t next(size_t offset) const {
    next_character(text_, offset);
    return offset;
  }

  size_t end_of_run(size_t offset, uint8_t kind) const {
    while (offset < text_.size()) {
      size_t end = offset;
      if ((characters_.of(next_character(text_, end)) & kKinds) != kind) break;
      offset = end;
    }
    return offset;
  }

  static bool ends_line(char c) { return c == '\r' || c == '\n'; }

  // `begin`, if there is none.
  size_t end_of_contraction(size_t begin) const {
    if (text_[begin] != '\'') return begin;
    const std::string_view rest = text_.substr(begin + 1);
    const bool any_case = rule_ != SplitRule::gpt2;
    const auto has = [&](size_t at, char letter) {
      if (at >= rest.size()) return false;
      return rest[at] == letter || (any_case && rest[at] == letter - 'a' + 'A');
    };
    for (const char letter : {'s', 't', 'm', 'd'}) {
      if (has(0, letter)) return begin + 2;
    }
    for (const std::string_view pair : {"re", "ve", "ll"}) {
      if (has(0, pair[0]) && has(1, pair[1])) return begin + 3;
    }
    constexpr std::string_view kLongS = "\u017f";  // Folds to s.
    return any_case && rest.starts_with(kLongS) ? begin + 1 + kLongS.size() : begin;
  }

  size_t end_of_gpt2(size_t begin) const {
    const size_t after_space = begin + (text_[begin] == ' ' ? 1 : 0);
    const uint8_t kind = kind_at(after_space);
    if (kind == kWhite || kind == kEnd) return end_of_white(begin, end_of_run(begin, kWhite));
    return end_of_run(after_space, kind);
  }

  size_t end_of_llama3(size_t begin) const {
    const uint8_t kind = kind_at(begin);
    if (kind == kLetter) return end_of_run(begin, kLetter);
    if (kind == kNumber) return end_of_numbers(begin);
    if (!ends_line(text_[begin])) {
      const size_t second = next(begin);
      if (kind_at(second) == kLetter) return end_of_run(second, kLetter);
    }
    const size_t after_space = begin + (text_[begin] == ' ' ? 1 : 0);
    if (kind_at(after_space) == kOther) {
      size_t end = end_of_run(after_space, kOther);
      while (end < text_.size() && ends_line(text_[end])) ++end;
      return end;
    }
    const size_t end = end_of_run(begin, kWhite);
    for (size_t last = end; last > begin; --last) {
      if (ends_line(text_[last - 1])) return last;
    }
    return end_of_white(begin, end);
  }

  size_t end_of_numbers(size_t begin) const {
    const int most = rule_ == SplitRule::llama3 ? 3 : 1;
    size_t end = begin;
    for (int i = 0; i < most && kind_at(end) == kNumber; ++i) end = next(end);
    return end;
  }

  // Of a run before a word the last goes with that, or is a word of its own.
  size_t end_of_white(size_t begin, size_t end) const {
    if (end == text_.size()) return end;
    size_t last = end;
    previous_character(text_, last);
    return last == begin ? end : last;
  }

  SplitRule rule_;
  std::string_view text_;
  const CharacterBits& characters_;
};

}  // namespace

std::vector<std::string_view> PreTokenizer::split(std::string_view text) const {
  const Splitter splitter(rule_, text);
  std::vector<std::string_view> words;
  words.reserve(text.size() / 4);  // About what English has.
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = splitter.end_of_word(begin);
    CHECK(end > begin);
    words.push_back(text.substr(begin, end - begin));
    begin = end;
  }
  return words;
}

}  // namespace runed::embed
