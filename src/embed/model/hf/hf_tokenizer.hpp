#pragma once

#include "base/result.hpp"
#include "embed/model/gguf_metadata.hpp"
#include "embed/model/hf/directory_files.hpp"
#include "embed/model/hf/tokenizer_source.hpp"

namespace runed::embed::hf {

/// Writes the tokenizer of a directory as GGUF's keys: that of tokenizer.json, or, where there is none,
/// BERT's of vocab.txt. What tokenizer.json says of truncation, padding and decoding has no part in it.
/// Errors: model_unsupported naming the component that is not served; model_corrupt; model_missing if
///         there is neither file.
Status write_tokenizer(const DirectoryFiles& files, const TokenizerUse& use,
                       GgufMetadata& metadata);

}  // namespace runed::embed::hf
