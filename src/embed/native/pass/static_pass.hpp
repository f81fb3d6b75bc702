#pragma once

#include <cstdint>
#include <vector>

#include "embed/engine.hpp"
#include "embed/model/model_spec.hpp"
#include "embed/native/isa/kernel.hpp"
#include "embed/native/pass/weights.hpp"
#include "embed/native/run/thread_pool.hpp"

namespace runed::embed::native {

/// The pass of a model without layers: the vector of a text is the mean of the rows of its tokens.
class StaticPass {
 public:
  /// Borrows all.
  StaticPass(const ModelSpec& spec, const Weights& weights, const Kernel& kernel, ThreadPool& pool);

  /// Writes the unit-length vectors of a batch, and their norms. That of a text whose rows have a mean
  /// of zero comes out not finite: the caller checks.
  /// Shapes: those of EmbeddingRows.
  /// Needs:  the shapes of PackedBatch; every id in the vocabulary.
  /// Owns:   some rows for each thread, from the start on.
  void run(const PackedBatch& batch, const EmbeddingRows& out);

  size_t scratch_bytes() const {
    return rows_.size() * sizeof(float) + sums_.size() * sizeof(double);
  }

 private:
  void write_vector(std::span<const TokenId> ids, uint32_t thread, std::span<float> out,
                    float* norm);

  const ModelSpec& spec_;
  const Weights& weights_;
  const Kernel& kernel_;
  ThreadPool& pool_;
  std::vector<float> rows_;   // [threads, 2, width]: a row, and the sum of some.
  std::vector<double> sums_;  // [threads, width]
};

}  // namespace runed::embed::native
