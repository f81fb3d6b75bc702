#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "embed/embedder.hpp"

namespace runed::embed::native {

/// Byte-level byte-pair encoding: a word starts as its bytes, and the pair of neighbours that was
/// merged earliest in training is merged, leftmost first, until no pair is left that was.
/// Source: Sennrich et al. 2016, algorithm 1; GPT-2's encoder.py for the bytes.
class BytePairEncoding {
 public:
  /// Turns the merges into pairs of ids. Borrows nothing.
  /// Shapes: merges in the order of their rank, each `left right`.
  /// Errors: model_corrupt if a merge is not of tokens; model_unsupported if a byte has no token.
  static Result<BytePairEncoding> create(std::span<const std::string_view> tokens,
                                         std::span<const std::string_view> merges);

  /// Appends the ids of words. Takes n log n time, whatever the words.
  /// Needs:  words of at most 2^31 bytes.
  /// Owns:   some 40 bytes for each byte of the longest word, while it runs. Thread-safe.
  void encode(std::span<const std::string_view> words, std::vector<TokenId>& ids) const;

 private:
  struct Merge {
    uint64_t pair;  // Left id, right id; kNoPair where the slot is empty.
    uint32_t rank;
    TokenId merged;
  };

  class Word;

  void reserve(size_t merges);
  void insert(const Merge& merge);
  const Merge* find_merge(TokenId left, TokenId right) const;
  size_t slot_of(uint64_t pair) const;

  std::array<TokenId, 256> byte_tokens_{};
  std::vector<Merge> table_;  // Open addressing; a power of two, at most two thirds full.
  int shift_ = 0;             // Leaves the bits of a hash that number a slot.
};

}  // namespace runed::embed::native
