#pragma once

#include <cstdint>

#include "embed/model/hf/directory_files.hpp"
#include "embed/model/hf/json_fields.hpp"

namespace runed::embed::hf {

/// A tokenizer.json, and what else of its directory says how texts are tokenised.
struct TokenizerSource {
  const Fields& json;
  const DirectoryFile* config = nullptr;  // tokenizer_config.json, if there is one.
  uint32_t vocabulary = 0;                // Tokens of the model.
  bool lowercase_first = false;           // Each text is put into lower case before all else.
};

}  // namespace runed::embed::hf
