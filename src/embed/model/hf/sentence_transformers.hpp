#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "embed/model/gguf.hpp"
#include "embed/model/gguf_metadata.hpp"
#include "embed/model/hf/directory_files.hpp"
#include "embed/model/model_facts.hpp"

namespace runed::embed::hf {

/// What sentence-transformers' own files of a directory say: how a vector is made of what the
/// transformer gives.
struct SentenceTransformers {
  Pooling pooling = Pooling::none;
  std::vector<std::string> dense;  // Folders of Dense modules, with a slash, in their order.
  std::vector<std::pair<std::string, std::string>> prompts;  // Name and text.
  std::string default_prompt;                                // A name; empty: none.
  std::optional<uint32_t> max_seq_length;
  bool lowercase_first = false;
};

/// Reads modules.json and what it leads to.
/// Errors: model_unsupported naming the module, the pooling or the key that is not served, or that
///         nobody says how a text becomes one vector; model_corrupt.
Result<SentenceTransformers> read_sentence_transformers(const DirectoryFiles& files);

/// The same of a model that gives scores, which has no modules.json, or one with a Transformer alone.
/// Errors: model_unsupported naming another module; model_corrupt.
Result<SentenceTransformers> read_cross_encoder(const DirectoryFiles& files);

/// Reads a Dense module and writes its keys; `number` is that of GGUF's names, from 2 on. Returns its
/// tensors, and puts the width of what comes out into `width`.
/// Errors: model_unsupported naming the activation; model_corrupt.
Result<std::vector<PlacedTensor>> read_dense(const DirectoryFiles& files, const std::string& folder,
                                             const std::string& architecture, size_t number,
                                             uint32_t& width, GgufMetadata& metadata);

/// The longest text, in tokens with those of the frame.
/// Errors: model_corrupt.
Result<uint32_t> read_longest_text(const DirectoryFiles& files, const SentenceTransformers& said,
                                   uint32_t positions);

}  // namespace runed::embed::hf
