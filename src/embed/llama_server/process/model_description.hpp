#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "embed/model/model_file.hpp"
#include "embed/model/model_recognition.hpp"
#include "embed/model/model_spec.hpp"
#include "embed/tokenizer/tokenizer.hpp"

namespace runed::embed::llama_server {

/// What has to be known of a model before a llama-server is started for it.
struct ModelDescription {
  ModelSpec spec{};      // Its pooling is one that gives a vector. Its width is what the file says:
                         // of a model that is not known the first vector decides.
  uint32_t context = 0;  // Most tokens of one text.
  uint64_t cell_bytes = 0;                     // Of one token in a KV cache of 16-bit floats.
  std::shared_ptr<const Tokenizer> tokenizer;  // Ours; null where only the server has one.

  /// Tells whether its architecture and its tokenizer are ours.
  bool is_known() const;

  /// Tells whether nothing that is computed depends on the longest text of which the file tells.
  bool has_free_context() const;
};

/// Describes a model of any architecture; `sha256` and `published` tell what its file does not. A file
/// that was converted wrongly is refused as the native engine refuses it: llama-server would compute
/// wrong vectors from it just the same.
/// Errors: model_corrupt, model_unsupported.
Result<ModelDescription> describe_model(const std::shared_ptr<const ModelFile>& file,
                                        std::string_view sha256,
                                        std::span<const PublishedFacts> published);

}  // namespace runed::embed::llama_server
