#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "embed/model/token_id.hpp"
#include "embed/tokenizer/number_table.hpp"
#include "embed/tokenizer/run_units.hpp"

namespace runed::embed {

/// Byte-level byte-pair encoding: a word starts as its bytes, and the pair of neighbours that was
/// merged earliest in training is merged, leftmost first, until no pair is left that was.
/// Source: Sennrich et al. 2016, algorithm 1; GPT-2's encoder.py for the bytes.
class BytePairEncoding {
 public:
  /// Turns the merges into pairs of ids. Borrows nothing. `run_units`, if there is one, helps while
  /// this runs.
  /// Shapes: merges in the order of their rank, each `left right`.
  /// Errors: model_corrupt if a merge is not of tokens; model_unsupported if a byte has no token.
  static Result<BytePairEncoding> create(std::span<const std::string_view> tokens,
                                         std::span<const std::string_view> merges,
                                         const RunUnits& run_units = {});

  /// Appends the ids of words. Takes n log n time, whatever the words.
  /// Needs:  words of at most 2^31 bytes.
  /// Owns:   some 40 bytes for each byte of the longest word, while it runs. Thread-safe.
  void encode(std::span<const std::string_view> words, std::vector<TokenId>& ids) const;

 private:
  struct Merge {
    TokenId left;
    TokenId right;
    TokenId merged;
  };

  class TokenIndex;
  class Word;

  Status find_byte_tokens(const TokenIndex& index);
  void find_parts(const TokenIndex& index, std::span<const std::string_view> merges,
                  const RunUnits& run_units);
  Status index_merges(const TokenIndex& index, std::span<const std::string_view> merges);
  auto is_of(TokenId left, TokenId right) const {
    return [=, this](uint32_t rank) {
      return merges_[rank].left == left && merges_[rank].right == right;
    };
  }
  uint32_t find_rank(TokenId left, TokenId right) const;

  std::array<TokenId, 256> byte_tokens_{};
  std::vector<Merge> merges_;  // By rank.
  NumberTable ranks_;          // By their pair.
};

}  // namespace runed::embed
