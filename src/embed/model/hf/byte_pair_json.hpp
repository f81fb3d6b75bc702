#pragma once

#include "base/result.hpp"
#include "embed/model/gguf_metadata.hpp"
#include "embed/model/hf/tokenizer_source.hpp"

namespace runed::embed::hf {

/// Writes a tokenizer.json whose model is BPE as GGUF's keys: one that merges bytes as `gpt2`, with the
/// rules that its expression and its flags are, and Gemma's, which merges characters, as `llama`.
/// Errors: model_unsupported naming the component that is not served; model_corrupt.
Status write_byte_pair_json(const TokenizerSource& source, GgufMetadata& metadata);

}  // namespace runed::embed::hf
