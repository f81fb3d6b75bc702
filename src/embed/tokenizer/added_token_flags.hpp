#pragma once

#include <cstdint>
#include <vector>

#include "base/result.hpp"
#include "embed/model/gguf.hpp"
#include "embed/model/token_id.hpp"

namespace runed::embed {

/// Which of the tokens that stand in a text as they are spelled are found in another way than that: the
/// ids that have a flag. Source: tokenizers, tokenizer/added_vocabulary.rs, AddedToken.
struct AddedTokenFlags {
  std::vector<TokenId> lstrip;       // White space before it is part of it.
  std::vector<TokenId> rstrip;       // Likewise behind it.
  std::vector<TokenId> single_word;  // Found only where no letter or digit touches it.
  std::vector<TokenId> normalized;   // Found in the normalised text, not in the text as it comes.
  std::vector<TokenId> no_pieces;    // Found nowhere else: they are none of the model's tokens.
};

/// Reads them from `runed.tokenizer.added_tokens.lstrip` and so on, which GGUF has no keys for.
/// Errors: model_corrupt if an id is not below `tokens`; model_unsupported naming the key.
Result<AddedTokenFlags> read_added_token_flags(const Gguf& file, size_t tokens);

}  // namespace runed::embed
