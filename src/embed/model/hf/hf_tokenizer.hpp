#pragma once

#include "base/result.hpp"
#include "embed/model/gguf_metadata.hpp"
#include "embed/model/hf/directory_files.hpp"

namespace runed::embed::hf {

/// Writes the tokenizer of a directory as GGUF's keys: that of tokenizer.json, or, where there is none,
/// BERT's of vocab.txt. `vocabulary` is how many rows the table of embeddings has; `lowercase_first`
/// says that sentence_bert_config.json has each text put into lower case before the tokenizer's own
/// steps. What tokenizer.json says of truncation, padding and decoding has no part in it.
/// Errors: model_unsupported naming the component that is not served; model_corrupt; model_missing if
///         there is neither file.
Status write_tokenizer(const DirectoryFiles& files, uint32_t vocabulary, bool lowercase_first,
                       GgufMetadata& metadata);

}  // namespace runed::embed::hf
