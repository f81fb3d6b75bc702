#pragma once

#include "base/result.hpp"
#include "embed/model/gguf.hpp"
#include "embed/model/model_spec.hpp"

namespace runed::embed {

/// Refuses what a converter left out of a file, or left in, where only the tensors tell. llama.cpp
/// computes such a file without a word, and its vectors or scores look like any others. Of a file of
/// which the tensors were not read nothing is refused.
/// Errors: model_unsupported naming the tensor, with fact::kConversionFault.
Status check_tensors(const Gguf& file, const ModelSpec& spec);

/// Tells whether a file has a head that ranks. Rerankers seldom have a key that says so.
bool has_rank_head(const Gguf& file);

}  // namespace runed::embed
