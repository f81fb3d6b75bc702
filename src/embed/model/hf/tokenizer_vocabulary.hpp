#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "embed/model/gguf_metadata.hpp"
#include "embed/model/hf/json_fields.hpp"

namespace runed::embed::hf {

/// A token that is found in a text before the model of a tokenizer sees it.
/// Source: tokenizers, tokenizer/added_vocabulary.rs, AddedToken.
struct AddedToken {
  uint32_t id = 0;
  std::string content;
  bool special = false;
  bool lstrip = false;       // White space before it is part of it.
  bool rstrip = false;       // Likewise behind it.
  bool single_word = false;  // Found only where no letter or digit touches it.
  bool normalized = false;   // Found in the normalised text, not in the text as it comes.
  bool no_piece = false;     // It is none of the model's tokens: a text has to spell it.
};

/// The tokens of tokenizer.json, whatever its model is.
struct TokenizerVocabulary {
  uint32_t size = 0;  // Tokens of the model, which may be more than tokenizer.json has.
  std::vector<std::string> tokens;  // By id. Empty: none.
  std::vector<AddedToken> added;
};

/// Puts a token in its place.
/// Errors: model_corrupt if its id is none of the model's, or that of another token. `file` is what
///         it was read from.
Status put_token(const std::string& file, const std::string& token, const Json& id,
                 TokenizerVocabulary& vocabulary);

/// Reads `added_tokens` and puts each in its place.
/// Needs: the tokens of the model, which are in theirs.
Status read_added_tokens(const Fields& tokenizer, TokenizerVocabulary& vocabulary);

/// Writes which added tokens have flags, a list of ids for each flag that some token has, since GGUF
/// has no word for them: `runed.tokenizer.added_tokens.lstrip` and so on, and `no_pieces`.
void write_added_token_flags(const TokenizerVocabulary& vocabulary, GgufMetadata& metadata);

}  // namespace runed::embed::hf
