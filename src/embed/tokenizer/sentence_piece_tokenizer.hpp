#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "embed/model/gguf.hpp"
#include "embed/model/model_spec.hpp"
#include "embed/tokenizer/character_pair_encoding.hpp"
#include "embed/tokenizer/framed_tokenizer.hpp"
#include "embed/tokenizer/run_units.hpp"
#include "embed/tokenizer/special_tokens.hpp"

namespace runed::embed {

/// Gemma's byte-pair encoding of characters, from the vocabulary of a file: with merges, or with the
/// scores that SentencePiece has in their place. Gives the ids of the reference tokenizer (Hugging Face
/// tokenizers): special tokens first, on the text as it is; what lies between them is one word, with
/// U+2581 for each space. llama.cpp finds runs of spaces before all else, where the reference merges them.
class SentencePieceTokenizer final : public FramedTokenizer {
 public:
  /// Builds the tokenizer, which borrows nothing: no later change of the file can reach it.
  /// `run_units`, if there is one, helps while this runs.
  /// Errors: model_unsupported or model_corrupt, naming the key.
  static Result<std::unique_ptr<SentencePieceTokenizer>> create(const Gguf& file, Frame frame,
                                                                const RunUnits& run_units = {});

  size_t most_bytes_per_token() const override { return takes_space() ? 0 : longest_token_; }

 private:
  SentencePieceTokenizer(SpecialTokens special, CharacterPairEncoding encoding, Frame frame,
                         size_t longest_token);

  Status append_ordinary(std::string_view text, std::vector<TokenId>& ids) const override;
  std::string_view normalize(std::string_view text, std::string& storage) const override;
  Status append_normalized(std::string_view text, std::vector<TokenId>& ids) const override;

  CharacterPairEncoding encoding_;
  size_t longest_token_;  // Bytes.
};

}  // namespace runed::embed
