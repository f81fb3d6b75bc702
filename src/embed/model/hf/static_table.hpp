#pragma once

#include <cstdint>
#include <vector>

#include "base/result.hpp"
#include "embed/model/gguf.hpp"
#include "embed/model/hf/safetensors.hpp"

namespace runed::embed::hf {

/// Makes `token_embd.weight` of what a StaticEmbedding or a model of model2vec has: a row for each
/// token. Where tokens share rows (`mapping`), or have a factor each (`weights`), the rows are written
/// out in f32; else the table stays where it is.
/// Errors: model_unsupported naming a tensor that would be left out, or is of numbers that none has;
///         model_corrupt if the tensors do not fit each other.
Result<PlacedTensor> read_static_table(const std::vector<SafeTensor>& tensors);

}  // namespace runed::embed::hf
