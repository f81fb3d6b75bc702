#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "base/result.hpp"
#include "embed/model/gguf_metadata.hpp"
#include "embed/model/hf/json_fields.hpp"

namespace runed::embed::hf {

/// The sizes that shapes of tensors are made of, and that other files of the directory are held
/// against. All are read from config.json.
struct ModelSizes {
  uint32_t vocabulary = 0;
  uint32_t width = 0;
  uint32_t ff_width = 0;
  uint32_t layers = 0;
  uint32_t positions = 0;  // The most tokens of a text.
  uint32_t types = 0;      // Of tokens: rows of the table of segments.
};

/// A row of a table of names: what a checkpoint calls a tensor and what GGUF does, and its shape as
/// PyTorch has it, with the member of ModelSizes for each dimension; null: there is none.
struct NameRow {
  std::string_view name;  // Of a tensor of a layer without the layer.
  std::string_view gguf;
  uint32_t ModelSizes::*rows = nullptr;  // Null for a vector.
  uint32_t ModelSizes::*columns = nullptr;
};

/// An architecture as Hugging Face names it: how its config.json and its tensors become those of a
/// GGUF file.
struct HfArchitecture {
  std::string_view model_type;                // In config.json.
  std::span<const std::string_view> classes;  // In `architectures` there: all that are served.
  std::string_view gguf;                      // GGUF general.architecture.
  std::string_view prefix;                    // Of all tensors where a model has a head.
  std::string_view layers;                    // What stands before the number of a layer.
  std::span<const NameRow> tensors;           // Of the model.
  std::span<const NameRow> layer_tensors;     // Of each layer.
  std::span<const std::string_view> unused;   // Beginnings of names without a part in a vector.

  /// Writes the keys of the architecture.
  /// Errors: model_corrupt, model_unsupported naming the key of config.json.
  Result<ModelSizes> (*read_config)(const Fields& config, GgufMetadata& metadata);
};

/// Finds what a directory is by its config.json.
/// Errors: model_unsupported naming what is served; model_corrupt.
Result<const HfArchitecture*> get_hf_architecture(const Fields& config);

/// BERT: bert.cpp.
extern const HfArchitecture kBert;

}  // namespace runed::embed::hf
