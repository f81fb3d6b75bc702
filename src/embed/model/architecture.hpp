#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "embed/model/gguf.hpp"
#include "embed/model/model_spec.hpp"
#include "embed/model/spec_reader.hpp"

namespace runed::embed {

/// What a tensor is to who computes.
enum class TensorRole {
  token_embedding,
  position_embedding,
  type_embedding,
  embedding_norm,
  position_buckets,  // What attention adds by distance.
  output_norm,
  attention_norm,
  query_norm,
  key_norm,
  query,
  key,
  value,
  query_key_value,  // Those three, one below the other.
  output,
  ff_norm,
  output_post_norm,  // Of what attention gives.
  gate,
  up,
  gate_up,  // Those two, the gate above.
  up_gate,  // The same, the gate below.
  down,
  down_post_norm,  // Of what the feed-forward layer gives.
  first_dense,
  second_dense,
  rank_dense,
  rank_norm,
  rank_output,
  unused,  // May be there, and has no part in an embedding.
};

/// A dimension of a tensor, as the spec gives it.
enum class TensorSize {
  one,
  width,
  ff_width,
  twice_ff_width,
  head_width,
  query_width,
  key_width,
  value_width,
  query_key_value_width,
  attended_width,
  vocabulary,
  context,
  token_types,
  heads,
  position_buckets,
  first_dense_inputs,
  first_dense_outputs,
  second_dense_inputs,
  second_dense_outputs,
  rank_outputs
};

enum class Presence {
  required,
  optional,
  if_fused,  // Converters write queries, keys and values as one tensor, `attn_qkv.weight`,
  if_split,  // or as one each.
};

/// Which of the two that belong together a tensor is.
enum class TensorPart { weight, bias };

/// A row of a table of tensors.
struct TensorRow {
  std::string_view name;  // Of a tensor of a layer without `blk.<layer>.`.
  TensorRole role;
  TensorSize columns = TensorSize::one;  // The length of a row, which a file has first.
  TensorSize rows = TensorSize::one;
  Presence presence = Presence::required;
  TensorPart part = TensorPart::weight;
};

/// An architecture: how the header of its files becomes a spec, and which tensors they have.
struct Architecture {
  std::string_view name;  // GGUF general.architecture.

  /// Reads the rest of a spec, of which the facts are known.
  /// Errors: those of SpecReader.
  Status (*read_spec)(const SpecReader& reader, ModelSpec& spec);

  std::span<const TensorRow> tensors;        // Of the model, without common_tensors().
  std::span<const TensorRow> layer_tensors;  // Of each layer.
};

/// Every architecture that there is a row for.
std::span<const Architecture* const> architectures();

/// Finds the row of this name; null if there is none.
const Architecture* find_architecture(std::string_view name);

/// The same, where there must be one.
/// Errors: model_unsupported naming those that there are.
Result<const Architecture*> get_architecture(std::string_view name);

/// The tensors that a model of any architecture may have: those of its dense layers, and those of a
/// head that ranks.
std::span<const TensorRow> common_tensors();

/// Returns the name of a tensor in the file; `layer` is none for one of the model.
std::string tensor_name(const TensorRow& row, std::optional<uint32_t> layer);

/// Finds the tensor of a row; null if it is not there and need not be.
/// Errors: model_corrupt naming the tensor, the shape found and the shape expected.
Result<const Tensor*> find_tensor(const Gguf& file, const ModelSpec& spec, const TensorRow& row,
                                  std::optional<uint32_t> layer);

}  // namespace runed::embed
