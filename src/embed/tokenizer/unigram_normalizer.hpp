#pragma once

#include <string>
#include <string_view>

#include "embed/tokenizer/charsmap.hpp"

namespace runed::embed {

/// Makes of a text the stretches that Unigram looks for pieces in, with U+2581 in place of spaces.
/// Source: Hugging Face tokenizers, normalizers/{precompiled,strip,replace}.rs and
///         pre_tokenizers/{whitespace,metaspace}.rs.
class UnigramNormalizer {
 public:
  struct Options {
    bool strip_left = false;    // White space at the begin of a text is dropped,
    bool strip_right = false;   // and at its end.
    bool merge_spaces = false;  // Several U+0020 are one.
    bool split_words = true;    // White space ends a stretch, and is dropped.
    bool mark_begin = true;     // Each stretch begins with U+2581, if it does not already.
    bool split_marks = true;    // Each U+2581 begins a stretch.
  };

  UnigramNormalizer(Charsmap charsmap, Options options)
      : charsmap_(std::move(charsmap)), options_(options) {}

  /// Calls use(stretch) for each stretch of well-formed UTF-8, in order. None is empty.
  template <typename Use>
  void for_each_stretch(std::string_view text, const Use& use) const {
    for_each_stretch_of_normal(normalize(text), use);
  }

  /// The same of a text that is normalised.
  template <typename Use>
  void for_each_stretch_of_normal(std::string_view rest, const Use& use) const {
    std::string stretch;
    while (next_word(rest, stretch)) for_each_part(stretch, use);
  }

  /// Replaces what the charsmap has, and drops white space where the options say so.
  std::string normalize(std::string_view text) const;

 private:
  static constexpr std::string_view kMark = "\u2581";

  void replace(std::string_view cluster, std::string& normal) const;
  bool next_word(std::string_view& rest, std::string& word) const;

  template <typename Use>
  void for_each_part(std::string_view word, const Use& use) const {
    while (!word.empty()) {
      const size_t mark = options_.split_marks ? word.find(kMark, 1) : std::string_view::npos;
      use(word.substr(0, mark));
      word = mark == std::string_view::npos ? std::string_view() : word.substr(mark);
    }
  }

  Charsmap charsmap_;
  Options options_;
};

}  // namespace runed::embed
