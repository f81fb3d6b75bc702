#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/embedding.hpp"

namespace runed::cmd {

/// What `embed` prints: for each text its vector, or its token ids.
struct EmbedOutput {
  std::string model_name;
  std::string model_identity;
  std::string engine;  // Empty for ids, which no engine made.
  std::vector<Embedding> embeddings;
  std::vector<std::vector<uint32_t>> ids;
};

/// Formats floats as a JSON array: each in the fewest digits that give the same f32 again.
std::string format_vector(std::span<const float> vector);

/// Formats one JSON array a line.
std::string format_lines(const EmbedOutput& output);

/// Formats the JSON document {model, model_identity, engine, dim, embeddings: [{index, tokens,
/// vector}]}; with ids: {model, model_identity, embeddings: [{index, tokens, ids}]}.
std::string format_document(const EmbedOutput& output);

}  // namespace runed::cmd
