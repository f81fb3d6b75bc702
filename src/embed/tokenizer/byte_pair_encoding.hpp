#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "embed/model/token_id.hpp"
#include "embed/tokenizer/merge_table.hpp"
#include "embed/tokenizer/number_table.hpp"
#include "embed/tokenizer/run_units.hpp"

namespace runed::embed {

/// Byte-level byte-pair encoding: a word starts as its bytes, and the pair of neighbours that was
/// merged earliest in training is merged, leftmost first, until no pair is left that was.
/// Source: Sennrich et al. 2016, algorithm 1; GPT-2's encoder.py for the bytes.
class BytePairEncoding {
 public:
  /// Whether a word that is a token is that one, whatever the merges give: `ignore_merges`.
  enum class WholeWords { merged, looked_up };

  /// Turns the merges into pairs of ids. Borrows nothing. `run_units`, if there is one, helps while
  /// this runs.
  /// Shapes: merges in the order of their rank, each `left right`.
  /// Errors: model_corrupt if a merge is not of tokens; model_unsupported if a byte has no token.
  static Result<BytePairEncoding> create(std::span<const std::string_view> tokens,
                                         std::span<const std::string_view> merges,
                                         const RunUnits& run_units = {},
                                         WholeWords whole_words = WholeWords::merged);

  /// Appends the ids of words. Takes n log n time, whatever the words.
  /// Needs:  words of at most 2^31 bytes.
  /// Owns:   some 40 bytes for each byte of the longest word, while it runs. Thread-safe.
  void encode(std::span<const std::string_view> words, std::vector<TokenId>& ids) const;

 private:
  Status find_byte_tokens(const TokenIndex& index);
  void index_words(std::span<const std::string_view> tokens);
  TokenId find_word(std::string_view word) const;
  std::string_view word_at(size_t i) const {
    return std::string_view(words_.data(), words_.size())
        .substr(begins_[i], begins_[i + 1] - begins_[i]);
  }

  std::array<TokenId, 256> byte_tokens_{};
  MergeTable merges_;
  // Of words that are looked up.
  std::vector<char> words_;     // Tokens as the bytes that they stand for, end to end.
  std::vector<size_t> begins_;  // By id, and the end. Empty: none is looked up.
  NumberTable word_ids_{size_t{0}};
};

}  // namespace runed::embed
