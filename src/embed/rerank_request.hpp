#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/embedding.hpp"
#include "base/result.hpp"
#include "embed/engine.hpp"
#include "embed/request.hpp"

namespace runed::embed {

/// Checks the options of a request for scores: EmbedOptions::instruction and truncate, of which the
/// latter is `right` where both texts may lose of their end.
/// Errors: wrong_model_kind for an embedding model; invalid_argument for an instruction that the model
///         has no place for, or of more than 16 KiB, and for a truncation at the left.
Status check_rerank_options(const EmbedOptions& options, const ModelInfo& model);

/// How long the texts of a pair may be.
struct PairLengths {
  size_t first = 0;
  size_t second = 0;

  bool operator==(const PairLengths&) const = default;
};

/// Returns what is left of a pair of texts that must have `room` tokens together: the longer one is cut,
/// until both are half, of which an odd token is the longer one's.
/// Source: huggingface/tokenizers, utils/truncation.rs, truncate_encodings, LongestFirst.
PairLengths longest_first(PairLengths lengths, size_t room);

/// Makes pairs of one query and one document each, as the model was trained to see them.
class PairMaker {
 public:
  /// Tokenises the query. Borrows `model` and `tokenizer`.
  /// Needs:  options that were checked.
  /// Errors: empty_text; not_utf8; model_unsupported if the tokenizer is not ours; invalid_argument for a
  ///         query of more than 64 KiB in a prompt; text_too_long if the limit has no room for texts.
  static Result<PairMaker> create(std::string_view query, const EmbedOptions& options,
                                  const ModelInfo& model, const Tokenizer& tokenizer);

  /// Makes a pair. One of more tokens than the model takes is cut or refused as the options say.
  /// Errors: text_too_long (details: tokens, limit); not_utf8.
  Result<PreparedText> make(std::string_view document) const;

 private:
  PairMaker(const EmbedOptions& options, const ModelInfo& model, const Tokenizer& tokenizer)
      : truncate_(options.truncate), model_(model), tokenizer_(tokenizer) {}

  Result<PreparedText> make_framed(std::string_view document) const;
  Result<PreparedText> make_prompt(std::string_view document) const;
  Status check_limit() const;
  Status check_room(size_t tokens) const;

  Truncate truncate_;
  const ModelInfo& model_;
  const Tokenizer& tokenizer_;
  std::vector<TokenId>
      query_;  // Without a frame; of a prompt, what is before the part with the texts.
  std::vector<TokenId> end_;  // Of a prompt, what is after that part.
  std::string middle_;        // Of that part, what is before the document.
};

/// Puts the documents of a request in order, the best first, those of the same score as they came, and
/// leaves out all but the first `top_n`; 0: none. Of each the score is raw, or from 0 to 1.
/// Needs:  what embed_pass has given for their pairs.
std::vector<RankedDocument> rank_documents(std::span<const Embedding> scored, ScoreScale scale,
                                           size_t top_n);

}  // namespace runed::embed
