#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "embed/model/model_facts.hpp"
#include "embed/model/model_spec.hpp"

namespace runed::embed {

/// One published model, as its makers describe it.
struct KnownModel {
  std::string_view name;
  std::string_view architecture;  // As its published files have it.
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
const KnownModel* find_known_model(const ModelSpec& spec);

/// Returns what the row says.
ModelFacts facts_of(const KnownModel& model);

}  // namespace runed::embed
