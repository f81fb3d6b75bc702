#pragma once

#include <bitset>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "embed/model/token_id.hpp"
#include "embed/tokenizer/number_table.hpp"
#include "embed/tokenizer/word_piece_normalizer.hpp"

namespace runed::embed {

/// A token of a vocabulary as it stands in a text.
struct WordPiece {
  std::string_view text;
  bool is_initial = false;  // It begins a word; others go on with one.
};

/// Reads how llama.cpp's converter spells a token: a control token as it is, `##ab` as `ab`, and what
/// begins a word behind U+2581.
WordPiece spelled(std::string_view token, int32_t type);

/// WordPiece: a word is the longest token that it begins with, then the longest that goes on from
/// there, to its end; or one unknown token, where that does not come out even.
/// Source: Hugging Face tokenizers, models/wordpiece/mod.rs.
class WordPieceEncoder {
 public:
  /// Indexes a vocabulary, of which it borrows nothing. Of equal tokens the first counts.
  /// Shapes: types [tokens.size()], GGUF token types.
  WordPieceEncoder(std::span<const std::string_view> tokens, std::span<const int32_t> types,
                   TokenId unknown);

  /// Appends the ids of a word.
  /// Needs:  a word of WordPieceNormalizer.
  /// Owns:   nothing. Takes as long as the word times the longest token. Thread-safe.
  void encode(std::string_view word, std::vector<TokenId>& ids) const;

 private:
  static constexpr size_t kMostBytes = 4 * WordPieceNormalizer::kMostCharacters;

  struct Match {
    size_t length = 0;  // 0: none.
    TokenId id = 0;
  };

  // The tokens of one kind.
  struct Pieces {
    NumberTable ids;                         // By their hash.
    std::bitset<kMostBytes + 1> has_length;  // In bytes.
    size_t longest = 0;
  };

  std::string_view text_of(TokenId id) const {
    return std::string_view(texts_).substr(begins_[id], begins_[id + 1] - begins_[id]);
  }
  void add(const WordPiece& piece, TokenId id);
  Match find_longest(const Pieces& pieces, std::string_view text) const;

  std::string texts_;           // Of all tokens, end to end.
  std::vector<size_t> begins_;  // By id, and the end.
  Pieces initial_;
  Pieces continuing_;
  TokenId unknown_;
};

}  // namespace runed::embed
