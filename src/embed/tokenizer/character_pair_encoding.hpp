#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.hpp"
#include "embed/model/token_id.hpp"
#include "embed/tokenizer/merge_table.hpp"
#include "embed/tokenizer/token_index.hpp"

namespace runed::embed {

/// Byte-pair encoding that starts from the characters of a text, as SentencePiece has it: a character
/// that is no token is its bytes, each a token `<0x0A>`.
/// Source: tokenizers, models/bpe/model.rs, with byte_fallback.
class CharacterPairEncoding {
 public:
  /// Borrows nothing.
  /// Errors: model_unsupported if a byte has no token.
  static Result<CharacterPairEncoding> create(const TokenIndex& index, MergeTable merges);

  /// Appends the ids of a text, which is one word. Takes n log n time, whatever the text.
  /// Needs:  well-formed UTF-8 of at most 2^31 bytes.
  /// Owns:   some 40 bytes for each byte of the text, while it runs. Thread-safe.
  void encode(std::string_view text, std::vector<TokenId>& ids) const;

 private:
  explicit CharacterPairEncoding(MergeTable merges) : merges_(std::move(merges)) {}

  void index_characters(std::span<const std::string_view> tokens);
  TokenId find_character(uint32_t point) const;

  MergeTable merges_;
  std::array<TokenId, 256> byte_tokens_{};
  std::array<TokenId, 128> ascii_tokens_{};  // kNoToken, where a character has none.
  std::unordered_map<uint32_t, TokenId> other_tokens_;
};

}  // namespace runed::embed
