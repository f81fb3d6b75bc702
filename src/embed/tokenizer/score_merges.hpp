#pragma once

#include <span>

#include "base/result.hpp"
#include "embed/tokenizer/merge_table.hpp"
#include "embed/tokenizer/token_index.hpp"

namespace runed::embed {

/// Makes merges of the scores of tokens, which SentencePiece has in place of merges: each token can be
/// merged from any two that it is spelled by, and that of the highest score is merged first. In the
/// order in which the reference puts them when it converts a vocabulary: of one score, the longest left
/// part first, in characters.
/// Shapes: scores [index.tokens().size()].
/// Errors: model_corrupt if there are others than one finite score a token.
/// Source: transformers, convert_slow_tokenizer.py, generate_merges.
Result<MergeTable> merges_by_score(const TokenIndex& index, std::span<const float> scores);

}  // namespace runed::embed
