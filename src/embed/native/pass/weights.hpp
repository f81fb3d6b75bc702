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
  std::vector<float> bias{};   // [rows], added to each product; empty: none.
  const Gemm* gemm = nullptr;  // How products with it are computed; set by choose_gemms.
  const float* panels = nullptr;  // All of it, packed for its gemm (packed_panels.hpp); null: not.

  bool is_there() const { return data != nullptr; }
  const std::byte* row(size_t index) const { return data + index * row_bytes; }
};

/// What a norm multiplies each row by, and adds to it.
struct NormWeights {
  std::vector<float> weight;  // Empty: there is no such norm.
  std::vector<float> bias;    // Empty: none.

  bool is_there() const { return !weight.empty(); }
};

/// One layer. Widths are those of ModelSpec. Where its norms are, ModelSpec::norm_place says.
struct LayerWeights {
  NormWeights attention_norm;    // [width]; the first layer of a model may lack it.
  NormWeights query_norm;        // [head_width]; or none.
  NormWeights key_norm;          // [head_width]; or none.
  Matrix query;                  // [heads * head_width, width]
  Matrix key;                    // [kv_heads * head_width, width]
  Matrix value;                  // [kv_heads * head_width, width]
  Matrix output;                 // [width, heads * head_width]
  NormWeights output_post_norm;  // [width]; of NormPlace::around.
  NormWeights ff_norm;           // [width]
  Matrix gate;                   // [ff_width, width]; none without a gated activation.
  Matrix up;                     // [ff_width, width]
  Matrix down;                   // [width, ff_width]
  NormWeights down_post_norm;    // [width]; of NormPlace::around.
};

/// What a head that ranks has. Which of it is there, RankHead says.
struct RankWeights {
  Matrix dense;      // [width, width]
  NormWeights norm;  // [width]
  Matrix output;     // [RankHead::outputs, width], of output_rows.
  /// In f32, a copy: of a directory its rows may be ones of a tensor that only the file's description has.
  std::vector<float> output_rows;
};

/// A model's weights. The matrices point into the file; only norms and biases, which are small, are
/// copied.
struct Weights {
  Matrix embedding;            // [vocabulary, width]
  Matrix positions;            // [context, width]; none without learned positions.
  std::vector<float> type;     // [width], of the first segment; empty: none.
  std::vector<float> second_type;  // The same of the second; empty: pairs have none.
  NormWeights embedding_norm;  // [width]; or none.
  std::vector<float> by_bucket;  // [heads, position_buckets], what attention adds by distance.
  std::vector<LayerWeights> layers;
  NormWeights output_norm;    // [width]; or none.
  std::vector<Matrix> dense;  // As ModelSpec::dense.
  RankWeights rank;           // With Head::rank.
};

/// Calls work(matrix) for every matrix of a layer that is there.
template <typename Layer, typename Work>
void for_each_matrix(Layer& layer, const Work& work) {
  for (auto* matrix : {&layer.query, &layer.key, &layer.value, &layer.output, &layer.gate,
                       &layer.up, &layer.down}) {
    if (matrix->is_there()) work(*matrix);
  }
}

/// Finds every tensor that the table of the architecture has, and checks its shape.
/// Needs:  a spec that is supported (supported_spec.hpp).
/// Errors: those of find_tensor; model_unsupported naming a tensor of a type that no kernel reads, or
///         one that would be left out.
Result<Weights> find_weights(const Gguf& file, const ModelSpec& spec, const Kernel& kernel);

}  // namespace runed::embed::native
