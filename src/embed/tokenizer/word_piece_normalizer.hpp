#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "embed/tokenizer/word_piece_characters.hpp"

namespace runed::embed {

/// Takes a text apart into the words that WordPiece encodes: clean, CJK characters alone, without
/// accents, in lower case, split at white space and around punctuation. In one run over the text and
/// without a copy of it.
/// Source: Hugging Face tokenizers, normalizers/bert.rs and pre_tokenizers/bert.rs.
class WordPieceNormalizer {
 public:
  struct Options {
    bool clean_text = true;
    bool split_cjk = true;
    bool strip_accents = true;
    bool lowercase = true;
  };

  /// What a word may have. A longer one comes cut to one character more.
  static constexpr size_t kMostCharacters = 100;

  explicit WordPieceNormalizer(const Options& options);

  /// Returns the text that the words are split from, for tokens that are found in that. What it gives,
  /// a normalizer with all options off splits into the words.
  /// Needs:  well-formed UTF-8.
  std::string normalized(std::string_view text) const;

  /// Calls on_word with each word, which lives until on_word returns.
  /// Needs:  well-formed UTF-8.
  /// Owns:   the marks of one character that are kept, in order. n log n time at worst. Thread-safe.
  void for_each_word(std::string_view text,
                     const std::function<void(std::string_view)>& on_word) const;

 private:
  class Words;
  enum class AsciiRole : uint8_t { letter, space, punctuation, nothing };

  Options options_;
  WordPieceCharacters characters_;
  std::array<AsciiRole, 128> ascii_roles_{};
  std::array<char, 128> ascii_letters_{};  // As they are in a word.
};

}  // namespace runed::embed
