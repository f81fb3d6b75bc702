#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "embed/model/token_id.hpp"

namespace runed::embed {

/// What becomes of special tokens that a text spells: `[SEP]`.
enum class SpelledTokens {
  parsed,  // They are those tokens, as in the reference.
  plain,   // Text like any other.
};

/// Turns a text into the ids that the model sees. Immutable, so any thread may use one.
class Tokenizer {
 public:
  virtual ~Tokenizer() = default;
  /// Tokenises well-formed UTF-8, in the frame that the model's spec has.
  /// Errors: not_utf8.
  virtual Result<std::vector<TokenId>> tokenize(std::string_view text) const = 0;

  /// Appends the ids of well-formed UTF-8 without the frame, for who frames texts in another way.
  /// Errors: not_utf8; model_unsupported where the tokenizer is not ours.
  virtual Status append(std::string_view text, SpelledTokens spelled,
                        std::vector<TokenId>& ids) const;

  /// Tells whether it needs nothing but this process. One that does not can take long, and fail with
  /// engine_restarting when what it needs does not answer.
  virtual bool is_local() const { return true; }

  /// The most bytes of a text that one token can stand for; 0 if a text of any length may have none,
  /// and is to be tokenised to its end. Where a tokenizer does not know, words longer than this are
  /// nothing that a model was made for.
  virtual size_t most_bytes_per_token() const { return 1024; }
};

/// Returns the bytes past which a text has more tokens than `max_tokens`. With room for the tokens that
/// frame a text, so that a text cut to that many bytes still has more tokens than the model takes. 0 if
/// there is no such number.
size_t max_text_bytes(uint32_t max_tokens, const Tokenizer& tokenizer);

}  // namespace runed::embed
