#include "embed/native/pass/weights.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <unordered_set>

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
  std::vector<float> LayerWeights::*norm;
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
    NormSlot{TensorRole::ff_norm, &LayerWeights::ff_norm},
};

// A bias or a layer that the forward pass would leave out gives a wrong vector.
Error left_out(std::string_view tensor) {
  return make_error(ErrorCode::model_unsupported,
                    "the model has a tensor '{}' that would be left out", printable(tensor));
}

Matrix to_matrix(const Tensor& tensor) {
  return {tensor.type,
          tensor.data.data(),
          tensor.rows(),
          tensor.columns(),
          tensor.data.size() / tensor.rows(),
          nullptr};
}

std::vector<float> to_norm(const Tensor& tensor, const Kernel& kernel) {
  std::vector<float> norm(tensor.columns());
  kernel.dequantize(tensor.type, tensor.data.data(), norm.size(), norm.data());
  return norm;
}

/// Puts tensors of one file where the forward pass has them.
class WeightFinder {
 public:
  WeightFinder(const Gguf& file, const ModelSpec& spec, const Kernel& kernel)
      : file_(file), spec_(spec), kernel_(kernel) {}

  // Null for a tensor that is not there and need not be.
  Result<const Tensor*> find(const TensorRow& row, std::optional<uint32_t> layer = {}) const {
    TRY_ASSIGN(const Tensor* tensor, find_tensor(file_, spec_, row, layer));
    if (tensor == nullptr || is_supported(tensor->type)) return tensor;
    return make_error(ErrorCode::model_unsupported, "tensor '{}' has type {}, which is not served",
                      printable(tensor->name), block_layout(tensor->type).name)
        .with_hint("use a file of F32, F16, BF16, Q8_0, Q6_K, Q5_K or Q4_K tensors");
  }

  Status put(const TensorRow& row, Weights& weights) const {
    TRY_ASSIGN(const Tensor* tensor, find(row));
    if (tensor == nullptr) return {};
    if (row.role == TensorRole::token_embedding) {
      weights.embedding = to_matrix(*tensor);
    } else if (row.role == TensorRole::output_norm) {
      weights.output_norm = to_norm(*tensor, kernel_);
    } else {
      return left_out(tensor->name);
    }
    return {};
  }

  Status put(const TensorRow& row, uint32_t layer, LayerWeights& weights) const {
    TRY_ASSIGN(const Tensor* tensor, find(row, layer));
    if (tensor == nullptr) return {};
    if (const auto place = std::ranges::find(kMatrices, row.role, &MatrixSlot::role);
        place != kMatrices.end()) {
      weights.*place->matrix = to_matrix(*tensor);
    } else if (const auto norm = std::ranges::find(kNorms, row.role, &NormSlot::role);
               norm != kNorms.end()) {
      weights.*norm->norm = to_norm(*tensor, kernel_);
    } else {
      return left_out(tensor->name);
    }
    return {};
  }

 private:
  const Gguf& file_;
  const ModelSpec& spec_;
  const Kernel& kernel_;
};

// An architecture without one of them is another model than the pass computes.
Status expect_all(const LayerWeights& layer, const ModelSpec& spec) {
  const auto is_missing = [&layer](const auto& place) {
    if constexpr (requires { place.matrix; }) {
      return (layer.*place.matrix).data == nullptr;
    } else {
      return (layer.*place.norm).empty();
    }
  };
  if (std::ranges::none_of(kMatrices, is_missing) && std::ranges::none_of(kNorms, is_missing)) {
    return {};
  }
  return make_error(
      ErrorCode::model_unsupported,
      "key 'general.architecture' is '{}', whose layers lack a tensor that the forward "
      "pass reads",
      spec.architecture);
}

Status expect_no_others(const Gguf& file, const Architecture& architecture, uint32_t layers) {
  std::unordered_set<std::string> known;
  for (const TensorRow& row : architecture.tensors) known.insert(tensor_name(row, {}));
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
  for (const TensorRow& row : architecture->tensors) {
    if (row.role != TensorRole::unused) TRY(finder.put(row, weights));
  }
  for (uint32_t layer = 0; layer < spec.layers; ++layer) {
    LayerWeights& found = weights.layers.emplace_back();
    for (const TensorRow& row : architecture->layer_tensors) {
      if (row.role != TensorRole::unused) TRY(finder.put(row, layer, found));
    }
    TRY(expect_all(found, spec));
  }
  TRY(expect_no_others(file, *architecture, spec.layers));
  return weights;
}

}  // namespace runed::embed::native
