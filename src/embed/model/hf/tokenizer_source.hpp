#pragma once

#include <cstdint>

#include "embed/model/hf/directory_files.hpp"
#include "embed/model/hf/json_fields.hpp"

namespace runed::embed::hf {

/// What a model asks of its tokenizer.
struct TokenizerUse {
  uint32_t vocabulary = 0;  // Rows of the table of embeddings.
  bool lowercase_first =
      false;              // sentence_bert_config.json has each text put into lower case before
                          // the tokenizer's own steps.
  bool has_frame = true;  // What the post-processor puts around a text is part of it.
};

/// A tokenizer.json, and what else of its directory says how texts are tokenised.
struct TokenizerSource {
  const Fields& json;
  const DirectoryFile* config = nullptr;  // tokenizer_config.json, if there is one.
  uint32_t vocabulary = 0;                // As in TokenizerUse.
  bool lowercase_first = false;
  bool has_frame = true;
};

}  // namespace runed::embed::hf
