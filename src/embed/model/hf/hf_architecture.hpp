#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <type_traits>

#include "base/result.hpp"
#include "embed/model/hf/config_reader.hpp"

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
  uint32_t heads = 0;
  uint32_t kv_heads = 0;
  uint32_t head_width = 0;
  uint32_t buckets = 0;       // Of distances.
  uint32_t padding_rows = 0;  // Of the table of positions, before the row of the first token.

  uint32_t twice_ff_width() const { return 2 * ff_width; }
  uint32_t query_width() const { return heads * head_width; }
  uint32_t key_width() const { return kv_heads * head_width; }
  uint32_t qkv_width() const { return query_width() + 2 * key_width(); }
  uint32_t position_rows() const { return padding_rows + positions; }
};

/// A dimension of a tensor.
using SizeOf = uint32_t (*)(const ModelSizes& sizes);

/// A member of ModelSizes as a dimension.
template <auto kMember>
constexpr uint32_t size_of(const ModelSizes& sizes) {
  if constexpr (std::is_member_function_pointer_v<decltype(kMember)>) {
    return (sizes.*kMember)();
  } else {
    return sizes.*kMember;
  }
}

namespace size {
inline constexpr SizeOf kVocabulary = size_of<&ModelSizes::vocabulary>;
inline constexpr SizeOf kWidth = size_of<&ModelSizes::width>;
inline constexpr SizeOf kFf = size_of<&ModelSizes::ff_width>;
inline constexpr SizeOf kTwiceFf = size_of<&ModelSizes::twice_ff_width>;
inline constexpr SizeOf kPositionRows = size_of<&ModelSizes::position_rows>;
inline constexpr SizeOf kTypes = size_of<&ModelSizes::types>;
inline constexpr SizeOf kHeads = size_of<&ModelSizes::heads>;
inline constexpr SizeOf kHead = size_of<&ModelSizes::head_width>;
inline constexpr SizeOf kQuery = size_of<&ModelSizes::query_width>;
inline constexpr SizeOf kKey = size_of<&ModelSizes::key_width>;
inline constexpr SizeOf kQkv = size_of<&ModelSizes::qkv_width>;
inline constexpr SizeOf kBuckets = size_of<&ModelSizes::buckets>;
}  // namespace size

/// Whether a checkpoint must have a tensor.
enum class Needed {
  always,
  not_of_first,  // The first layer has none.
  if_types,      // The model has types of tokens.
};

/// What becomes of the numbers of a tensor.
enum class Change {
  none,
  plus_one,         // The model adds one to each before it uses it.
  without_padding,  // Its first rows are left out, ModelSizes::padding_rows of them.
};

/// A row of a table of names: what a checkpoint calls a tensor and what GGUF does, and its shape as
/// PyTorch has it; null: there is no such dimension.
struct NameRow {
  std::string_view name;  // Of a tensor of a layer without the layer.
  std::string_view gguf;
  SizeOf rows = nullptr;  // Null for a vector.
  SizeOf columns = nullptr;
  Needed needed = Needed::always;
  Change change = Change::none;
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
  Result<ModelSizes> (*read_config)(const ConfigReader& config);
};

/// Finds what a directory is by its config.json.
/// Errors: model_unsupported naming what is served; model_corrupt.
Result<const HfArchitecture*> get_hf_architecture(const Fields& config);

/// The rows, each in a file of its name: bert.cpp.
extern const HfArchitecture kBert;
extern const HfArchitecture kDistilBert;
extern const HfArchitecture kEuroBert;
extern const HfArchitecture kGemma;
extern const HfArchitecture kGte;
extern const HfArchitecture kJinaV3;
extern const HfArchitecture kModernBert;
extern const HfArchitecture kMpnet;
extern const HfArchitecture kNomic;
extern const HfArchitecture kQwen2;
extern const HfArchitecture kQwen3;
extern const HfArchitecture kRoberta;
extern const HfArchitecture kXlmRoberta;
extern const HfArchitecture kCamembert;

}  // namespace runed::embed::hf
