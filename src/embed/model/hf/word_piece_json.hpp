#pragma once

#include "base/result.hpp"
#include "embed/model/gguf_metadata.hpp"
#include "embed/model/hf/tokenizer_source.hpp"

namespace runed::embed::hf {

/// Writes a tokenizer.json whose model is WordPiece as GGUF's keys.
/// Errors: model_unsupported naming the component that is not served; model_corrupt.
Status write_word_piece_json(const TokenizerSource& source, GgufMetadata& metadata);

}  // namespace runed::embed::hf
