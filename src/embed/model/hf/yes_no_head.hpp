#pragma once

#include <span>
#include <string_view>

#include "base/result.hpp"
#include "embed/model/gguf.hpp"
#include "embed/model/hf/directory_files.hpp"
#include "embed/model/hf/rank_head.hpp"
#include "embed/model/hf/safetensors.hpp"

namespace runed::embed::hf {

/// The head of Qwen3-Reranker: a language model, of whose output two rows count.
extern const HfRankHead kYesNoHead;

/// Tells whether a directory is that of Qwen3-Reranker, which config.json does not say: by its name, as
/// llama.cpp's converter does.
bool is_yes_no_reranker(const Fields& config, const DirectoryFiles& files, std::string_view name);

/// Makes the head's output of the rows of "yes" and "no": of the table of tokens, where config.json says
/// that the output is the same.
/// Errors: model_corrupt if a token or the tensor is missing, or of another shape.
Result<PlacedTensor> place_yes_and_no(const Fields& config, const DirectoryFiles& files,
                                      const ModelSizes& sizes, std::span<const SafeTensor> tensors);

}  // namespace runed::embed::hf
