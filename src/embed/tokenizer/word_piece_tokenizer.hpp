#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "embed/model/gguf.hpp"
#include "embed/model/model_spec.hpp"
#include "embed/tokenizer/framed_tokenizer.hpp"
#include "embed/tokenizer/special_tokens.hpp"
#include "embed/tokenizer/word_piece_encoder.hpp"
#include "embed/tokenizer/word_piece_normalizer.hpp"

namespace runed::embed {

/// BERT's tokenizer, from the vocabulary of a file. Gives the ids of the reference tokenizer (Hugging
/// Face tokenizers): special tokens first, on the text as it is; then words and their pieces for what
/// lies between them. llama.cpp's differs from it, in Korean and the scripts of India above all.
class WordPieceTokenizer final : public FramedTokenizer {
 public:
  /// Builds the tokenizer, which borrows nothing: no later change of the file can reach it.
  /// Errors: model_unsupported or model_corrupt, naming the key.
  static Result<std::unique_ptr<WordPieceTokenizer>> create(const Gguf& file, Frame frame);

  /// None: a run of spaces or of what is deleted has no token, and a word of any length can be one
  /// unknown token. So no text is judged by its bytes; each is tokenised to its end, which takes no
  /// more memory than its ids, and time that grows as the text does.
  size_t most_bytes_per_token() const override { return 0; }

 private:
  WordPieceTokenizer(SpecialTokens special, WordPieceNormalizer normalizer,
                     WordPieceEncoder encoder, Frame frame);

  Status append_ordinary(std::string_view text, std::vector<TokenId>& ids) const override;
  std::string_view normalize(std::string_view text, std::string& storage) const override;
  Status append_normalized(std::string_view text, std::vector<TokenId>& ids) const override;

  WordPieceNormalizer normalizer_;
  WordPieceNormalizer splitter_;  // Of text that is normalised.
  WordPieceEncoder encoder_;
};

}  // namespace runed::embed
