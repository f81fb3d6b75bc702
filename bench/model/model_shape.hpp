#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "embed/model/tensor_type.hpp"

namespace runed::bench {

/// The shape of a Qwen3 embedding model; by default that of Qwen3-Embedding-0.6B.
/// Source: Qwen3-Embedding-0.6B, config.json.
struct ModelShape {
  uint32_t layers = 28;
  uint32_t width = 1024;
  uint32_t ff_width = 3072;
  uint32_t heads = 16;
  uint32_t kv_heads = 8;
  uint32_t head_width = 128;
  uint32_t context = 32768;
};

/// How the matrices are stored.
struct Quantization {
  embed::TensorType type = embed::TensorType::q8_0;
  bool is_mixed = false;  // As llama.cpp's `_M` files: where it costs most, Q6_K instead.
};

/// A tensor of the file to be written.
struct TensorPlan {
  enum class Role { matrix, embedding, norm, layer_norm };

  std::string name;
  Role role = Role::matrix;  // `layer_norm`: of what a layer reads, as wide as the model.
  embed::TensorType type = embed::TensorType::f32;
  uint64_t columns = 0;  // The length of a row.
  uint64_t rows = 1;
  uint64_t offset = 0;  // From the begin of the data.

  uint64_t row_bytes() const;
  uint64_t end() const { return offset + rows * row_bytes(); }
};

/// Lists the tensors in the order of the file: the matrices as told, the norms in f32.
/// Errors: invalid_argument if a row is not whole blocks of the type.
Result<std::vector<TensorPlan>> plan_tensors(const ModelShape& shape, uint64_t vocabulary,
                                             Quantization quantization);

/// What comes before the data: metadata and the table of tensors.
struct Header {
  std::vector<std::byte> bytes;  // Up to where the data begins.
  std::vector<TensorPlan> tensors;
};

/// Makes the header of a model with the tokenizer of the GGUF at `vocabulary_path`.
/// Errors: what reading that file can give; invalid_argument as above.
Result<Header> make_header(const ModelShape& shape, Quantization quantization,
                           const std::string& vocabulary_path);

}  // namespace runed::bench
