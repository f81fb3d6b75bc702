#pragma once

#include "embed/model/hf/hf_architecture.hpp"

namespace runed::embed::hf {

/// Reads the sizes that encoders have under BERT's names, checks what would change their arithmetic, and
/// writes GGUF's keys for them but that of the epsilon, which is not the same in all.
Result<ModelSizes> read_encoder_sizes(const ConfigReader& config);

/// Reads the sizes of Llama's descendants, whose heads have a width of their own.
Result<ModelSizes> read_decoder_sizes(const ConfigReader& config);

/// Reads the width of a head from what is read already.
/// Errors: model_corrupt where heads do not divide the width.
Status divide_heads(const ConfigReader& config, ModelSizes& sizes);

/// Writes the keys that every architecture has.
void add_sizes(const ConfigReader& config, const ModelSizes& sizes);

}  // namespace runed::embed::hf
