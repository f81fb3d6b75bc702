#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "embed/model/token_id.hpp"
#include "embed/tokenizer/number_table.hpp"

namespace runed::embed {

/// Returns a hash of a text. Most tokens are of 3 to 12 bytes: one or two multiplications.
uint64_t hash_of(std::string_view text);

/// Finds tokens by their text, while a tokenizer is built. Borrows them. Of equal tokens, the first.
class TokenIndex {
 public:
  static constexpr TokenId kNoToken = NumberTable::kNone;

  explicit TokenIndex(std::span<const std::string_view> tokens);

  /// Returns its id, or kNoToken.
  TokenId find(std::string_view text) const;

  std::span<const std::string_view> tokens() const { return tokens_; }

 private:
  auto is_spelled(std::string_view text) const {
    return [this, text](TokenId id) { return tokens_[id] == text; };
  }

  std::span<const std::string_view> tokens_;
  NumberTable ids_;
};

}  // namespace runed::embed
