#include "embed/model/architecture.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <vector>

#include "base/text.hpp"

namespace runed::embed {
namespace {

constexpr std::string_view kFused = "attn_qkv.weight";

using Size = TensorSize;

constexpr TensorRow kCommonTensors[] = {
    {"dense_2.weight", TensorRole::first_dense, Size::first_dense_inputs, Size::first_dense_outputs,
     Presence::optional},
    {"dense_2.bias", TensorRole::first_dense, Size::first_dense_outputs, Size::one,
     Presence::optional, TensorPart::bias},
    {"dense_3.weight", TensorRole::second_dense, Size::second_dense_inputs,
     Size::second_dense_outputs, Presence::optional},
    {"dense_3.bias", TensorRole::second_dense, Size::second_dense_outputs, Size::one,
     Presence::optional, TensorPart::bias},
    {"cls.weight", TensorRole::rank_dense, Size::width, Size::width, Presence::optional},
    {"cls.bias", TensorRole::rank_dense, Size::width, Size::one, Presence::optional,
     TensorPart::bias},
    {"cls.norm.weight", TensorRole::rank_norm, Size::width, Size::one, Presence::optional},
    {"cls.output.weight", TensorRole::rank_output, Size::width, Size::rank_outputs,
     Presence::optional},
    {"cls.output.bias", TensorRole::rank_output, Size::rank_outputs, Size::one, Presence::optional,
     TensorPart::bias},
};

DenseLayer dense_layer(const ModelSpec& spec, size_t index) {
  return index < spec.dense.size() ? spec.dense[index] : DenseLayer();
}

uint64_t size_of(const ModelSpec& spec, TensorSize size) {
  switch (size) {
    case TensorSize::one:
      return 1;
    case TensorSize::width:
      return spec.width;
    case TensorSize::ff_width:
      return spec.ff_width;
    case TensorSize::twice_ff_width:
      return uint64_t{2} * spec.ff_width;
    case TensorSize::heads:
      return spec.heads;
    case TensorSize::position_buckets:
      return spec.position_buckets;
    case TensorSize::head_width:
      return spec.head_width;
    case TensorSize::query_width:
      return uint64_t{spec.heads} * spec.head_width;
    case TensorSize::key_width:
      return uint64_t{spec.kv_heads} * spec.head_width;
    case TensorSize::value_width:
      return uint64_t{spec.kv_heads} * spec.value_width;
    case TensorSize::query_key_value_width:
      return size_of(spec, TensorSize::query_width) + size_of(spec, TensorSize::key_width) +
             size_of(spec, TensorSize::value_width);
    case TensorSize::attended_width:
      return uint64_t{spec.heads} * spec.value_width;
    case TensorSize::vocabulary:
      return spec.vocabulary;
    case TensorSize::context:
      return spec.context;
    case TensorSize::token_types:
      return spec.token_types;
    case TensorSize::first_dense_inputs:
      return dense_layer(spec, 0).inputs;
    case TensorSize::first_dense_outputs:
      return dense_layer(spec, 0).outputs;
    case TensorSize::second_dense_inputs:
      return dense_layer(spec, 1).inputs;
    case TensorSize::second_dense_outputs:
      return dense_layer(spec, 1).outputs;
    case TensorSize::rank_outputs:
      return spec.rank.outputs();
  }
  return 0;
}

}  // namespace

const Architecture* find_architecture(std::string_view name) {
  const auto all = architectures();
  const auto found = std::ranges::find(all, name, &Architecture::name);
  return found == all.end() ? nullptr : *found;
}

Result<const Architecture*> get_architecture(std::string_view name) {
  if (const Architecture* row = find_architecture(name)) return row;
  std::vector<std::string_view> names;
  for (const Architecture* row : architectures()) names.push_back(row->name);
  return make_error(ErrorCode::model_unsupported,
                    "key 'general.architecture' is '{}' where one of these was expected: {}",
                    printable(name), fmt::join(names, ", "));
}

std::span<const TensorRow> common_tensors() {
  return kCommonTensors;
}

std::string tensor_name(const TensorRow& row, std::optional<uint32_t> layer) {
  return layer.has_value() ? fmt::format("blk.{}.{}", *layer, row.name) : std::string(row.name);
}

Result<const Tensor*> find_tensor(const Gguf& file, const ModelSpec& spec, const TensorRow& row,
                                  std::optional<uint32_t> layer) {
  const std::string name = tensor_name(row, layer);
  const Tensor* tensor = file.find_tensor(name);
  const bool is_fused =
      layer.has_value() && file.find_tensor(fmt::format("blk.{}.{}", *layer, kFused)) != nullptr;
  const bool is_of_other_spelling = (row.presence == Presence::if_split && is_fused) ||
                                    (row.presence == Presence::if_fused && !is_fused);
  if (tensor == nullptr) {
    if (row.presence == Presence::optional || is_of_other_spelling) return tensor;
    return make_error(ErrorCode::model_corrupt, "the model has no tensor '{}'", name);
  }
  if (is_of_other_spelling) {
    return make_error(ErrorCode::model_corrupt, "the model has '{}' {} '{}'", name,
                      is_fused ? "beside" : "without", kFused);
  }
  const std::array<uint64_t, 4> expected{size_of(spec, row.columns), size_of(spec, row.rows), 1, 1};
  if (tensor->shape != expected) {
    return make_error(ErrorCode::model_corrupt, "tensor '{}' has shape {}, expected {}", name,
                      tensor->shape, expected);
  }
  return tensor;
}

}  // namespace runed::embed
