#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "embed/model/token_id.hpp"
#include "embed/tokenizer/piece_trie.hpp"

namespace runed::embed {

/// Unigram: of all ways to cut a stretch of text into pieces the one whose scores have the greatest
/// sum. A character that no piece has is unknown, and so are several in a row, as one token.
/// Source: Kudo, Subword Regularization (arXiv:1804.10959), section 3.2; Hugging Face tokenizers,
///         models/unigram/model.rs, encode_optimized, for ties and what is unknown.
class UnigramEncoder {
 public:
  /// Indexes a vocabulary, of which it borrows nothing. Of equal pieces the last counts.
  /// Shapes: scores and types [pieces.size()], types as GGUF's.
  UnigramEncoder(std::span<const std::string_view> pieces, std::span<const float> scores,
                 std::span<const int32_t> types, TokenId unknown);

  /// What encode needs room for; of one thread, for as many stretches as it likes.
  class Scratch {
    friend class UnigramEncoder;
    struct Place {
      double score = 0;           // Of the best way to here.
      TokenId last = 0;           // The token that ends here on it.
      uint32_t begin = kNowhere;  // Where that begins; nowhere if no way leads here.
    };
    static constexpr uint32_t kNowhere = UINT32_MAX;
    std::vector<Place> places;  // By offset, from 0 to the end of a stretch.
  };

  /// Appends the ids of well-formed UTF-8.
  /// Owns:   nothing. Takes as long as the text times the longest piece. Thread-safe.
  void encode(std::string_view text, Scratch& scratch, std::vector<TokenId>& ids) const;

 private:
  void find_ways(std::string_view text, Scratch& scratch) const;

  PieceTrie trie_;
  std::vector<float> scores_;
  double unknown_score_ = 0;
  TokenId unknown_;
};

}  // namespace runed::embed
