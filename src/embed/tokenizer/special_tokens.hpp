#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "embed/model/token_id.hpp"

namespace runed::embed {

/// The tokens that stand in a text as they are spelled, such as `<|endoftext|>`: control tokens and
/// those that were added to the vocabulary. Borrows nothing.
class SpecialTokens {
 public:
  struct Match {
    size_t offset = 0;
    size_t length = 0;
    TokenId id = 0;
  };

  /// Picks the special tokens out of a vocabulary.
  /// Shapes: types [tokens.size()], GGUF token types.
  /// Errors: model_corrupt if a special token is not UTF-8: it would cut a character in two.
  static Result<SpecialTokens> create(std::span<const std::string_view> tokens,
                                      std::span<const int32_t> types);

  /// Finds the first special token from `offset` on; of several there, the longest.
  std::optional<Match> find(std::string_view text, size_t offset) const;

 private:
  struct Token {
    std::string text;
    TokenId id;
  };

  std::array<std::vector<Token>, 256> by_first_byte_;  // Each longest first.
};

}  // namespace runed::embed
