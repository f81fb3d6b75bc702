#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "embed/model/model_facts.hpp"

namespace runed::embed {

/// What a file says of itself, by which a model is recognised. What it does not say is empty or 0.
struct ModelSignature {
  std::string name;          // GGUF general.name.
  std::string architecture;  // GGUF general.architecture.
  uint64_t layers = 0;
  uint64_t width = 0;              // Of the hidden states.
  uint64_t vocabulary = 0;         // Tokens.
  std::optional<Pooling> pooling;  // As far as somebody else than the table knows it.
};

/// One published model, as its makers describe it.
struct KnownModel {
  std::string_view name;
  std::string_view architecture;
  uint32_t layers;
  uint32_t width;
  uint32_t vocabulary;
  Pooling pooling;
  std::string_view query;         // Put before a query; empty: nothing.
  std::string_view default_task;  // Of the query's prompt.
  std::string_view document;      // Put before a document; empty: nothing.
  uint32_t min_dimensions;        // 0: it does not say that its vectors may be cut.
};

/// The table of known models.
std::span<const KnownModel> known_models();

/// Finds the row that fits in all of name, architecture, layers, width, vocabulary and pooling; a
/// pooling that nobody has said fits any. Null if there is none: a model that differs in one of
/// them is another one, and what holds for this one need not hold for that.
///
/// Names are compared by their letters: capitals and small ones are the same, and so are space, `-`
/// and `_`, because converters write `Bge Small En v1.5` for `bge-small-en-v1.5`. A longer name is
/// that of another model, such as one that was trained further.
const KnownModel* find_known_model(const ModelSignature& signature);

/// Returns what the row says.
ModelFacts facts_of(const KnownModel& model);

}  // namespace runed::embed
