#include "embed/native/pass/weights.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <unordered_set>
#include <utility>

#include "base/text.hpp"
#include "embed/model/architecture.hpp"
#include "embed/native/pass/supported_spec.hpp"

namespace runed::embed::native {
namespace {

struct MatrixSlot {
  TensorRole role;
  Matrix LayerWeights::*matrix;
};
struct NormSlot {
  TensorRole role;
  NormWeights LayerWeights::*norm;
};

// Where the forward pass has the tensors of a layer.
constexpr std::array kMatrices{
    MatrixSlot{TensorRole::query, &LayerWeights::query},
    MatrixSlot{TensorRole::key, &LayerWeights::key},
    MatrixSlot{TensorRole::value, &LayerWeights::value},
    MatrixSlot{TensorRole::output, &LayerWeights::output},
    MatrixSlot{TensorRole::gate, &LayerWeights::gate},
    MatrixSlot{TensorRole::up, &LayerWeights::up},
    MatrixSlot{TensorRole::down, &LayerWeights::down},
};
constexpr std::array kNorms{
    NormSlot{TensorRole::attention_norm, &LayerWeights::attention_norm},
    NormSlot{TensorRole::query_norm, &LayerWeights::query_norm},
    NormSlot{TensorRole::key_norm, &LayerWeights::key_norm},
    NormSlot{TensorRole::output_post_norm, &LayerWeights::output_post_norm},
    NormSlot{TensorRole::ff_norm, &LayerWeights::ff_norm},
    NormSlot{TensorRole::down_post_norm, &LayerWeights::down_post_norm},
};

// A bias or a layer that the forward pass would leave out gives a wrong vector.
Error left_out(std::string_view tensor) {
  return make_error(ErrorCode::model_unsupported,
                    "the model has a tensor '{}' that would be left out", printable(tensor));
}

// Rows of a tensor from `first` on, as a matrix of its own.
Matrix to_matrix(const Tensor& tensor, size_t first, size_t count) {
  const size_t row_bytes = tensor.data.size() / tensor.rows();
  return {.type = tensor.type,
          .data = tensor.data.data() + first * row_bytes,
          .rows = count,
          .columns = tensor.columns(),
          .row_bytes = row_bytes};
}

/// Puts tensors of one file where the forward pass has them.
class WeightFinder {
 public:
  WeightFinder(const Gguf& file, const ModelSpec& spec, const Kernel& kernel)
      : file_(file), spec_(spec), kernel_(kernel) {}

  Status put(const TensorRow& row, Weights& weights) const {
    TRY_ASSIGN(const Tensor* tensor, find(row));
    if (tensor == nullptr) return {};
    switch (row.role) {
      case TensorRole::token_embedding:
        return put(row, *tensor, weights.embedding);
      case TensorRole::position_embedding:
        return put(row, *tensor, weights.positions);
      case TensorRole::type_embedding:
        weights.type = row_of(*tensor, 0);
        if (spec_.frame.has_second_segment) weights.second_type = row_of(*tensor, 1);
        return {};
      case TensorRole::embedding_norm:
        return put(row, *tensor, weights.embedding_norm);
      case TensorRole::position_buckets:
        weights.by_bucket = transposed(*tensor);
        return {};
      case TensorRole::output_norm:
        return put(row, *tensor, weights.output_norm);
      case TensorRole::first_dense:
        return put(row, *tensor, weights.dense[0]);
      case TensorRole::second_dense:
        return put(row, *tensor, weights.dense[1]);
      case TensorRole::rank_dense:
        return put_rank(row, *tensor, spec_.rank.has_dense, weights.rank.dense);
      case TensorRole::rank_norm:
        return put_rank(row, *tensor, spec_.rank.has_norm, weights.rank.norm);
      case TensorRole::rank_output:
        return put_output(row, *tensor, weights.rank);
      default:
        return left_out(tensor->name);
    }
  }

  Status put(const TensorRow& row, uint32_t layer, LayerWeights& weights) const {
    TRY_ASSIGN(const Tensor* tensor, find(row, layer));
    if (tensor == nullptr) return {};
    if (const std::vector<Part> parts = parts_of(row.role, weights); !parts.empty()) {
      return put_fused(row, *tensor, parts);
    }
    if (const auto place = std::ranges::find(kMatrices, row.role, &MatrixSlot::role);
        place != kMatrices.end()) {
      return put(row, *tensor, weights.*place->matrix);
    }
    if (const auto place = std::ranges::find(kNorms, row.role, &NormSlot::role);
        place != kNorms.end()) {
      return put(row, *tensor, weights.*place->norm);
    }
    return left_out(tensor->name);
  }

 private:
  // Null for a tensor that is not there and need not be.
  Result<const Tensor*> find(const TensorRow& row, std::optional<uint32_t> layer = {}) const {
    TRY_ASSIGN(const Tensor* tensor, find_tensor(file_, spec_, row, layer));
    if (tensor == nullptr || is_supported(tensor->type)) return tensor;
    return make_error(ErrorCode::model_unsupported, "tensor '{}' has type {}, which is not served",
                      printable(tensor->name), block_layout(tensor->type).name)
        .with_hint(
            "use a file of F32, F16, BF16, Q8_0, Q6_K, Q5_K, Q4_K, Q5_1, Q5_0, Q4_1, Q4_0 or "
            "IQ4_NL tensors");
  }

  // A row has its matrix before its bias in every table.
  Status put(const TensorRow& row, const Tensor& tensor, Matrix& matrix) const {
    if (row.part == TensorPart::bias) {
      matrix.bias = to_floats(tensor, 0, tensor.columns());
    } else {
      matrix = to_matrix(tensor, 0, tensor.rows());
    }
    return {};
  }

  Status put(const TensorRow& row, const Tensor& tensor, NormWeights& norm) const {
    (row.part == TensorPart::bias ? norm.bias : norm.weight) =
        to_floats(tensor, 0, tensor.columns());
    return {};
  }

  // A part of a head that the spec does not have would be left out.
  template <typename Place>
  Status put_rank(const TensorRow& row, const Tensor& tensor, bool is_in_head, Place& place) const {
    if (spec_.head != Head::rank || !is_in_head) return left_out(tensor.name);
    return put(row, tensor, place);
  }

  Status put_output(const TensorRow& row, const Tensor& tensor, RankWeights& rank) const {
    TRY(put_rank(row, tensor, true, rank.output));
    if (row.part == TensorPart::bias) return {};
    for (size_t i = 0; i < tensor.rows(); ++i) {
      const std::vector<float> output = row_of(tensor, i);
      rank.output_rows.insert(rank.output_rows.end(), output.begin(), output.end());
    }
    rank.output.type = TensorType::f32;
    rank.output.data = reinterpret_cast<const std::byte*>(rank.output_rows.data());
    rank.output.row_bytes = tensor.columns() * sizeof(float);
    return {};
  }

  // A matrix that is some rows of a tensor.
  struct Part {
    Matrix* matrix;
    size_t rows;
  };

  // The matrices that lie in a tensor of this role, one below the other; none where it is one itself.
  std::vector<Part> parts_of(TensorRole role, LayerWeights& weights) const {
    switch (role) {
      case TensorRole::query_key_value:
        return {{&weights.query, size_t{spec_.heads} * spec_.head_width},
                {&weights.key, size_t{spec_.kv_heads} * spec_.head_width},
                {&weights.value, size_t{spec_.kv_heads} * spec_.value_width}};
      case TensorRole::gate_up:
        return {{&weights.gate, spec_.ff_width}, {&weights.up, spec_.ff_width}};
      case TensorRole::up_gate:
        return {{&weights.up, spec_.ff_width}, {&weights.gate, spec_.ff_width}};
      default:
        return {};
    }
  }

  Status put_fused(const TensorRow& row, const Tensor& tensor,
                   const std::vector<Part>& parts) const {
    size_t first = 0;
    for (const auto& [matrix, count] : parts) {
      if (row.part == TensorPart::bias) {
        matrix->bias = to_floats(tensor, first, count);
      } else {
        *matrix = to_matrix(tensor, first, count);
      }
      first += count;
    }
    return {};
  }

  // A small matrix, column after column.
  std::vector<float> transposed(const Tensor& tensor) const {
    const size_t columns = tensor.columns();
    std::vector<float> row(columns);
    std::vector<float> all(columns * tensor.rows());
    for (size_t i = 0; i < tensor.rows(); ++i) {
      const size_t row_bytes = tensor.data.size() / tensor.rows();
      kernel_.dequantize(tensor.type, tensor.data.data() + i * row_bytes, columns, row.data());
      for (size_t column = 0; column < columns; ++column) {
        all[column * tensor.rows() + i] = row[column];
      }
    }
    return all;
  }

  std::vector<float> row_of(const Tensor& tensor, size_t index) const {
    std::vector<float> row(tensor.columns());
    const size_t row_bytes = tensor.data.size() / tensor.rows();
    kernel_.dequantize(tensor.type, tensor.data.data() + index * row_bytes, row.size(), row.data());
    return row;
  }

  // Numbers of the first row of a tensor.
  std::vector<float> to_floats(const Tensor& tensor, size_t first, size_t count) const {
    std::vector<float> row(tensor.columns());
    kernel_.dequantize(tensor.type, tensor.data.data(), row.size(), row.data());
    const auto begin = row.begin() + static_cast<std::ptrdiff_t>(first);
    return {begin, begin + static_cast<std::ptrdiff_t>(count)};
  }

  const Gguf& file_;
  const ModelSpec& spec_;
  const Kernel& kernel_;
};

Error lacks(const ModelSpec& spec, std::string_view what) {
  return make_error(
      ErrorCode::model_unsupported,
      "key 'general.architecture' is '{}', whose layers lack a tensor that the forward "
      "pass reads: {}",
      spec.architecture, what);
}

// An architecture without one of them is another model than the pass computes.
Status expect_all(const ModelSpec& spec, const LayerWeights& layer, bool is_first) {
  const bool has_post_norms = spec.norm_place == NormPlace::around;
  // What is before it has normalised the stream in that case.
  const bool needs_no_norm = is_first && spec.norm_place == NormPlace::before;
  const std::array<std::pair<bool, std::string_view>, 9> parts{{
      {layer.attention_norm.is_there() || needs_no_norm, "a norm of attention"},
      {layer.query.is_there() && layer.key.is_there() && layer.value.is_there(),
       "queries, keys and values"},
      {layer.output.is_there(), "the output of attention"},
      {layer.query_norm.is_there() == layer.key_norm.is_there(), "norms of queries and keys"},
      {layer.ff_norm.is_there(), "a norm of the feed-forward layer"},
      {layer.output_post_norm.is_there() == has_post_norms &&
           layer.down_post_norm.is_there() == has_post_norms,
       "norms of what its parts give, or none"},
      {layer.gate.is_there() == is_gated(spec.activation), "a gate, or none"},
      {layer.up.is_there(), "the first feed-forward matrix"},
      {layer.down.is_there(), "the second feed-forward matrix"},
  }};
  for (const auto& [is_there, what] : parts) {
    if (!is_there) return lacks(spec, what);
  }
  return {};
}

// What the spec has and the file may lack, since the table of tensors cannot say so.
Status expect_all(const ModelSpec& spec, const Weights& weights) {
  if (spec.positions == Positions::learned && !weights.positions.is_there()) {
    return lacks(spec, "positions");
  }
  if (spec.position_buckets > 0 && weights.by_bucket.empty()) {
    return lacks(spec, "what attention adds by distance");
  }
  // DistilBERT's files say one where it has none.
  if (spec.token_types > 1 && weights.type.empty()) {
    return make_error(ErrorCode::model_corrupt,
                      "key 'tokenizer.ggml.token_type_count' is {}, and the model has no tensor "
                      "'token_types.weight'",
                      spec.token_types);
  }
  const RankWeights& rank = weights.rank;
  if (spec.head == Head::rank &&
      (!rank.output.is_there() || rank.dense.is_there() != spec.rank.has_dense ||
       rank.norm.is_there() != spec.rank.has_norm)) {
    return make_error(ErrorCode::model_corrupt, "the model lacks a part of its head");
  }
  if (std::ranges::all_of(weights.dense, &Matrix::is_there)) return {};
  return make_error(ErrorCode::model_corrupt, "the model lacks a dense layer that its keys have");
}

Status expect_no_others(const Gguf& file, const Architecture& architecture, uint32_t layers) {
  std::unordered_set<std::string> known;
  for (const auto& rows : {architecture.tensors, common_tensors()}) {
    for (const TensorRow& row : rows) known.insert(tensor_name(row, {}));
  }
  for (uint32_t layer = 0; layer < layers; ++layer) {
    for (const TensorRow& row : architecture.layer_tensors) known.insert(tensor_name(row, layer));
  }
  for (const Tensor& tensor : file.tensors()) {
    if (!known.contains(std::string(tensor.name))) return left_out(tensor.name);
  }
  return {};
}

}  // namespace

Result<Weights> find_weights(const Gguf& file, const ModelSpec& spec, const Kernel& kernel) {
  TRY_ASSIGN(const Architecture* architecture, get_architecture(spec.architecture));
  const WeightFinder finder(file, spec, kernel);
  Weights weights;
  weights.dense.resize(spec.dense.size());
  for (const auto& rows : {architecture->tensors, common_tensors()}) {
    for (const TensorRow& row : rows) {
      if (row.role != TensorRole::unused) TRY(finder.put(row, weights));
    }
  }
  for (uint32_t layer = 0; layer < spec.layers; ++layer) {
    LayerWeights& found = weights.layers.emplace_back();
    for (const TensorRow& row : architecture->layer_tensors) {
      if (row.role != TensorRole::unused) TRY(finder.put(row, layer, found));
    }
    TRY(expect_all(spec, found, layer == 0));
  }
  TRY(expect_all(spec, weights));
  TRY(expect_no_others(file, *architecture, spec.layers));
  return weights;
}

}  // namespace runed::embed::native
