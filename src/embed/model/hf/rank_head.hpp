#pragma once

#include <span>
#include <string_view>

#include "base/result.hpp"
#include "embed/model/hf/hf_architecture.hpp"

namespace runed::embed::hf {

/// What a class of transformers that gives scores has beside the model that a row of HfArchitecture
/// describes.
struct HfRankHead {
  std::string_view name;             // Of the class, in `architectures` of config.json.
  std::string_view model_type;       // There too.
  std::span<const NameRow> tensors;  // Of the head.

  /// Writes the keys of the head, but for those that all heads have.
  /// Errors: model_corrupt, model_unsupported naming the key of config.json.
  Status (*add_keys)(const ConfigReader& config);

  bool tells_yes = false;  // It has two outputs, of "yes" and of "no".
};

/// Finds the head of a directory by its config.json; null: it has none that gives scores.
const HfRankHead* find_rank_head(const Fields& config);

/// Writes the keys of a head.
/// Errors: those of HfRankHead::add_keys; model_unsupported where the model tells classes apart.
Status add_rank_head(const HfRankHead& head, const ConfigReader& config);

}  // namespace runed::embed::hf
