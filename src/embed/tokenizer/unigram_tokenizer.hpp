#pragma once

#include <cstddef>
#include <memory>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "embed/model/gguf.hpp"
#include "embed/model/model_spec.hpp"
#include "embed/tokenizer/framed_tokenizer.hpp"
#include "embed/tokenizer/special_tokens.hpp"
#include "embed/tokenizer/unigram_encoder.hpp"
#include "embed/tokenizer/unigram_normalizer.hpp"

namespace runed::embed {

/// Unigram as XLM-R has it, from the vocabulary of a file. Gives the ids of the reference tokenizer
/// (Hugging Face tokenizers), which has a text normalised by characters as they are read, not by the
/// longest bytes that SentencePiece and llama.cpp find.
class UnigramTokenizer final : public FramedTokenizer {
 public:
  /// Builds the tokenizer, which borrows nothing: no later change of the file can reach it.
  /// Errors: model_unsupported or model_corrupt, naming the key; with fact::kConversionFault where a
  ///         converter left something out.
  static Result<std::unique_ptr<UnigramTokenizer>> create(const Gguf& file, Frame frame);

  /// None: white space has no token, and any number of unknown characters one.
  size_t most_bytes_per_token() const override { return 0; }

 private:
  UnigramTokenizer(SpecialTokens special, UnigramNormalizer normalizer, UnigramEncoder encoder,
                   Frame frame);

  Status append_ordinary(std::string_view text, std::vector<TokenId>& ids) const override;
  std::string_view normalize(std::string_view text, std::string& storage) const override;
  Status append_normalized(std::string_view text, std::vector<TokenId>& ids) const override;

  UnigramNormalizer normalizer_;
  UnigramEncoder encoder_;
};

}  // namespace runed::embed
