#pragma once

#include "base/result.hpp"
#include "embed/model/gguf_metadata.hpp"
#include "embed/model/hf/tokenizer_source.hpp"

namespace runed::embed::hf {

/// Writes a tokenizer.json whose model is Unigram, as XLM-R has it, as GGUF's keys, with keys of our
/// own for what is done with white space.
/// Errors: model_unsupported naming the component that is not served; model_corrupt.
Status write_unigram_json(const TokenizerSource& source, GgufMetadata& metadata);

}  // namespace runed::embed::hf
