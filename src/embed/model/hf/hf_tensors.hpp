#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "embed/model/gguf.hpp"
#include "embed/model/hf/hf_architecture.hpp"
#include "embed/model/hf/safetensors.hpp"

namespace runed::embed::hf {

/// Gives the tensors of a checkpoint the names and the shapes that GGUF has for them, in the order of
/// the architecture's tables; then those of a `head`.
/// Errors: model_corrupt if one is missing, there twice or of another shape; model_unsupported if one
///         would be left out, or its numbers are none that weights have.
Result<std::vector<PlacedTensor>> place_tensors(const HfArchitecture& architecture,
                                                const ModelSizes& sizes,
                                                std::span<const SafeTensor> tensors,
                                                std::span<const NameRow> head = {});

/// One tensor under its name in a GGUF file, if it has this shape as PyTorch has it.
/// Errors: as place_tensors.
Result<PlacedTensor> place_tensor(const SafeTensor& tensor, std::string gguf_name,
                                  const std::vector<uint64_t>& shape);

}  // namespace runed::embed::hf
