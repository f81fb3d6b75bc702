#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.hpp"
#include "embed/model/token_id.hpp"
#include "embed/tokenizer/added_token_flags.hpp"
#include "embed/tokenizer/token_trie.hpp"
#include "embed/tokenizer/tokenizer.hpp"

namespace runed::embed {

/// The tokens that stand in a text as they are spelled, such as `<|endoftext|>`: control tokens and
/// those that were added to the vocabulary. Borrows nothing.
/// Source: tokenizers, tokenizer/added_vocabulary.rs.
class SpecialTokens {
 public:
  /// Which of them are looked for: those that are found in a text as it comes, and then those that are
  /// found in what lies between, when that is normalised.
  enum class Pass { raw, normalized };

  /// A part of a text.
  struct Piece {
    std::string_view text;
    std::optional<TokenId> id;  // The token that it is; none: it is text.
  };

  /// Brings a text to the form that normalised tokens are found in.
  using Normalize = std::function<std::string(std::string_view)>;

  /// Picks the special tokens out of a vocabulary.
  /// Shapes: types [tokens.size()], GGUF token types.
  /// Needs:  ids of flags below tokens.size(), and `normalize` if some token is normalised.
  /// Errors: model_corrupt if a special token is not UTF-8: it would cut a character in two.
  static Result<SpecialTokens> create(std::span<const std::string_view> tokens,
                                      std::span<const int32_t> types,
                                      const AddedTokenFlags& flags = {},
                                      const Normalize& normalize = {});

  /// Takes a text apart: the first token, of several there the longest, and so on behind it. Where
  /// spelled tokens are plain, control tokens are text, and the others are found all the same, since
  /// runs of spaces may be among them.
  /// Needs: well-formed UTF-8.
  /// Owns:  nothing; the pieces are views of `text`, and overlap where two tokens take the same white
  ///        space along.
  std::vector<Piece> split(std::string_view text, Pass pass, SpelledTokens spelled) const;

  bool has_normalized() const { return !normalized_.is_empty(); }

  /// Tells whether some token takes white space along, however much there is.
  bool takes_space() const { return takes_space_; }

 private:
  struct Kind {
    bool is_control = false;
    bool lstrip = false;
    bool rstrip = false;
    bool single_word = false;
  };

  // What is cut off a text so far.
  struct Cut {
    std::string_view text;
    size_t offset = 0;
    std::vector<Piece> pieces;
  };

  static void cut_token(const TokenTrie::Match& match, const Kind& kind, Cut& cut);

  TokenTrie raw_;
  TokenTrie normalized_;
  std::unordered_map<TokenId, Kind> kinds_;
  bool takes_space_ = false;
};

}  // namespace runed::embed
