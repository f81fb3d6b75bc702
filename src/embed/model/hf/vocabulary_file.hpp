#pragma once

#include "base/result.hpp"
#include "embed/model/hf/directory_files.hpp"
#include "embed/model/hf/word_piece_keys.hpp"

namespace runed::embed::hf {

/// Reads vocab.txt, BERT's tokenizer in its first form: a token a line. `config` is
/// tokenizer_config.json, or null.
/// Errors: model_corrupt; model_unsupported naming the key of `config` that is not served.
Result<WordPiece> read_vocabulary_file(const DirectoryFile& file, const DirectoryFile* config);

}  // namespace runed::embed::hf
