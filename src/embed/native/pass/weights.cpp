#include "embed/native/pass/weights.hpp"

#include <fmt/ranges.h>

#include <array>
#include <string>
#include <unordered_set>

#include "base/text.hpp"

namespace runed::embed::native {
namespace {

// A shape as the file has it: the length of a row first.
using Shape = std::array<uint64_t, 4>;

Result<const Tensor*> find_shaped(const Gguf& file, const std::string& name,
                                  const Shape& expected) {
  const Tensor* tensor = file.find_tensor(name);
  if (tensor == nullptr) {
    return make_error(ErrorCode::model_corrupt, "the model has no tensor '{}'", name);
  }
  if (tensor->shape != expected) {
    return make_error(ErrorCode::model_corrupt, "tensor '{}' has shape {}, expected {}", name,
                      tensor->shape, expected);
  }
  return tensor;
}

Result<Matrix> find_matrix(const Gguf& file, const std::string& name, uint64_t rows,
                           uint64_t columns) {
  TRY_ASSIGN(const Tensor* tensor, find_shaped(file, name, {columns, rows, 1, 1}));
  return Matrix{tensor->type, tensor->data.data(),        rows,
                columns,      tensor->data.size() / rows, nullptr};
}

Result<std::vector<float>> read_norm(const Gguf& file, const std::string& name, uint64_t width,
                                     const Kernel& kernel) {
  TRY_ASSIGN(const Tensor* tensor, find_shaped(file, name, {width, 1, 1, 1}));
  std::vector<float> norm(width);
  kernel.dequantize(tensor->type, tensor->data.data(), width, norm.data());
  return norm;
}

constexpr std::array kLayerTensors{"attn_norm", "attn_q_norm", "attn_k_norm", "attn_q",
                                   "attn_k",    "attn_v",      "attn_output", "ffn_norm",
                                   "ffn_gate",  "ffn_up",      "ffn_down"};

std::string tensor_name(uint32_t layer, std::string_view part) {
  return fmt::format("blk.{}.{}.weight", layer, part);
}

Result<LayerWeights> find_layer(const Gguf& file, const ModelHeader& header, const Kernel& kernel,
                                uint32_t layer) {
  const uint64_t width = header.width;
  const uint64_t query_width = uint64_t{header.heads} * header.head_width;
  const uint64_t kv_width = uint64_t{header.kv_heads} * header.head_width;
  const auto name = [layer](std::string_view part) { return tensor_name(layer, part); };
  LayerWeights weights;
  TRY_ASSIGN(weights.attention_norm, read_norm(file, name("attn_norm"), width, kernel));
  TRY_ASSIGN(weights.query_norm, read_norm(file, name("attn_q_norm"), header.head_width, kernel));
  TRY_ASSIGN(weights.key_norm, read_norm(file, name("attn_k_norm"), header.head_width, kernel));
  TRY_ASSIGN(weights.query, find_matrix(file, name("attn_q"), query_width, width));
  TRY_ASSIGN(weights.key, find_matrix(file, name("attn_k"), kv_width, width));
  TRY_ASSIGN(weights.value, find_matrix(file, name("attn_v"), kv_width, width));
  TRY_ASSIGN(weights.output, find_matrix(file, name("attn_output"), width, query_width));
  TRY_ASSIGN(weights.ff_norm, read_norm(file, name("ffn_norm"), width, kernel));
  TRY_ASSIGN(weights.gate, find_matrix(file, name("ffn_gate"), header.ff_width, width));
  TRY_ASSIGN(weights.up, find_matrix(file, name("ffn_up"), header.ff_width, width));
  TRY_ASSIGN(weights.down, find_matrix(file, name("ffn_down"), width, header.ff_width));
  return weights;
}

// A bias or a layer that the forward pass would leave out gives a wrong vector.
Status expect_no_others(const Gguf& file, const ModelHeader& header) {
  std::unordered_set<std::string> known{"token_embd.weight", "output_norm.weight",
                                        "output.weight"};  // The last is of language models only.
  for (uint32_t layer = 0; layer < header.layers; ++layer) {
    for (const char* part : kLayerTensors) known.insert(tensor_name(layer, part));
  }
  for (const Tensor& tensor : file.tensors()) {
    if (known.contains(std::string(tensor.name))) continue;
    return make_error(ErrorCode::model_unsupported,
                      "the model has a tensor '{}' that would be left out", printable(tensor.name));
  }
  return {};
}

}  // namespace

Result<Weights> find_weights(const Gguf& file, const ModelHeader& header, const Kernel& kernel) {
  Weights weights;
  TRY_ASSIGN(weights.embedding,
             find_matrix(file, "token_embd.weight", header.vocabulary, header.width));
  TRY_ASSIGN(weights.output_norm, read_norm(file, "output_norm.weight", header.width, kernel));
  for (uint32_t layer = 0; layer < header.layers; ++layer) {
    TRY_ASSIGN(LayerWeights found, find_layer(file, header, kernel, layer));
    weights.layers.push_back(std::move(found));
  }
  TRY(expect_no_others(file, header));
  return weights;
}

}  // namespace runed::embed::native
