#pragma once

#include "base/result.hpp"
#include "embed/model/gguf.hpp"
#include "embed/model/model_spec.hpp"

namespace runed::embed {

/// Tells whether a file is that of a reranker, as far as the facts that are known do not say otherwise.
/// Such files seldom have a key for it: their head tells, or, of a file of which the tensors were not
/// read, the labels of its outputs.
bool is_reranker(const Gguf& file, const ModelSpec& spec);

/// Reads the head of a reranker, and how its pairs of texts are framed.
/// Needs:  all else of the spec.
/// Errors: model_unsupported naming the key or the tensor, with fact::kConversionFault, for a head that
///         no reference was compared with, or that is not all there.
Status read_rank_head(const Gguf& file, ModelSpec& spec);

}  // namespace runed::embed
