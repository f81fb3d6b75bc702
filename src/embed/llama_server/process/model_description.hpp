#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "embed/engine.hpp"
#include "embed/model/model_file.hpp"
#include "embed/model/model_recognition.hpp"

namespace runed::embed::llama_server {

/// What has to be known of a model before a llama-server is started for it.
struct ModelDescription {
  std::string name;          // GGUF general.name; `unnamed` if the file has none.
  std::string architecture;  // GGUF general.architecture.
  uint32_t context = 0;      // Most tokens of one text.
  uint32_t dimension = 0;    // Floats of a vector, as the file says; the first vector decides.
  uint64_t cell_bytes = 0;   // Of one token in a KV cache of 16-bit floats.
  ModelCard card{};          // Its pooling is known, and is one that gives a vector.
  Frame frame{};             // What llama-server puts around a text.
  std::shared_ptr<const Tokenizer> tokenizer;  // Ours; null where only the server has one.

  /// Tells whether it is a model that the native engine knows.
  bool is_known() const { return tokenizer != nullptr; }
};

/// Describes a model of any architecture; `sha256` and `published` tell what its file does not. A file
/// that was converted wrongly is refused as the native engine refuses it: llama-server would compute
/// wrong vectors from it just the same.
/// Errors: model_corrupt, model_unsupported.
Result<ModelDescription> describe_model(const std::shared_ptr<const ModelFile>& file,
                                        std::string_view sha256,
                                        std::span<const PublishedFacts> published);

}  // namespace runed::embed::llama_server
