#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "embed/model/gguf_metadata.hpp"

namespace runed::embed::hf {

/// What is done to a text before it is split into words. Source: tokenizers, normalizers/bert.rs.
struct BertNormalizer {
  bool clean_text = false;
  bool split_cjk = false;  // handle_chinese_chars.
  bool strip_accents = false;
  bool lowercase = false;
};

/// BERT's tokenizer, wherever it was read from.
struct WordPiece {
  std::vector<std::string> tokens;  // By id, spelled as BERT does: `##ing`. Empty: none.
  std::vector<std::string> added;   // By id: those that are found in a text before all else.
  std::vector<uint32_t> of_user;    // Ids of those of them that are no special tokens.
  std::string unknown;              // Tokens.
  std::string first;                // Of the frame: [CLS]. Empty: there is no frame.
  std::string last;                 // Of the frame: [SEP]. Likewise.
  std::string padding;              // Empty: there is none.
  std::string mask;                 // Likewise.
  BertNormalizer normalizer;
};

/// Writes its keys, with `vocabulary` tokens: those that it lacks stand for nothing.
/// Errors: model_corrupt if it has more, or a token of the frame is not among them. `file` is what
///         they are read from.
Status write_word_piece(const WordPiece& tokenizer, const std::string& file, uint32_t vocabulary,
                        GgufMetadata& metadata);

}  // namespace runed::embed::hf
