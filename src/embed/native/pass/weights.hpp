#pragma once

#include <cstddef>
#include <vector>

#include "base/result.hpp"
#include "embed/model/gguf.hpp"
#include "embed/model/model_spec.hpp"
#include "embed/native/isa/kernel.hpp"

namespace runed::embed::native {

/// A weight matrix as it lies in the file: `rows` outputs of `columns` inputs each.
struct Matrix {
  TensorType type = TensorType::f32;
  const std::byte* data = nullptr;
  size_t rows = 0;
  size_t columns = 0;
  size_t row_bytes = 0;
  const Gemm* gemm = nullptr;  // How products with it are computed; set by choose_gemms.

  const std::byte* row(size_t index) const { return data + index * row_bytes; }
};

/// One layer. Widths are those of ModelSpec.
struct LayerWeights {
  std::vector<float> attention_norm;  // [width]
  std::vector<float> query_norm;      // [head_width]
  std::vector<float> key_norm;        // [head_width]
  Matrix query;                       // [heads * head_width, width]
  Matrix key;                         // [kv_heads * head_width, width]
  Matrix value;                       // [kv_heads * head_width, width]
  Matrix output;                      // [width, heads * head_width]
  std::vector<float> ff_norm;         // [width]
  Matrix gate;                        // [ff_width, width]
  Matrix up;                          // [ff_width, width]
  Matrix down;                        // [width, ff_width]
};

/// A model's weights. The matrices point into the file; only the norms, which are small, are
/// copied.
struct Weights {
  Matrix embedding;  // [vocabulary, width]
  std::vector<LayerWeights> layers;
  std::vector<float> output_norm;  // [width]
};

/// Finds every tensor that the table of the architecture has, and checks its shape.
/// Needs:  a spec that is supported (supported_spec.hpp).
/// Errors: those of find_tensor; model_unsupported naming a tensor of a type that no kernel reads, or
///         one that would be left out.
Result<Weights> find_weights(const Gguf& file, const ModelSpec& spec, const Kernel& kernel);

}  // namespace runed::embed::native
