#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "embed/model/byte_pair_rules.hpp"
#include "embed/model/gguf.hpp"
#include "embed/model/model_spec.hpp"
#include "embed/tokenizer/byte_pair_encoding.hpp"
#include "embed/tokenizer/framed_tokenizer.hpp"
#include "embed/tokenizer/pre_tokenizer.hpp"
#include "embed/tokenizer/run_units.hpp"
#include "embed/tokenizer/special_tokens.hpp"

namespace runed::embed {

/// Byte-level byte-pair encoding, from the vocabulary of a file. Gives the ids of the reference tokenizer
/// (Hugging Face tokenizers): special tokens first, on the text as it is; then, where the rules of the
/// file say so, form C and special tokens in that; then words and merges for what lies between them.
/// llama.cpp leaves form C out.
class BytePairTokenizer final : public FramedTokenizer {
 public:
  /// Builds the tokenizer, which borrows nothing: no later change of the file can reach it.
  /// `run_units`, if there is one, helps while this runs.
  /// Errors: model_unsupported or model_corrupt, naming the key.
  static Result<std::unique_ptr<BytePairTokenizer>> create(const Gguf& file, Frame frame,
                                                           const RunUnits& run_units = {});

  size_t most_bytes_per_token() const override { return takes_space() ? 0 : most_bytes_per_token_; }

 private:
  BytePairTokenizer(SpecialTokens special, const BytePairRules& rules, BytePairEncoding encoding,
                    Frame frame, size_t longest_token);

  Status append_ordinary(std::string_view text, std::vector<TokenId>& ids) const override;
  std::string_view normalize(std::string_view text, std::string& storage) const override;
  Status append_normalized(std::string_view text, std::vector<TokenId>& ids) const override;

  BytePairRules rules_;
  PreTokenizer pre_tokenizer_;
  BytePairEncoding encoding_;
  size_t most_bytes_per_token_;
};

}  // namespace runed::embed
