#pragma once

#include <cstddef>

#include "embed/native/pass/weights.hpp"
#include "embed/native/run/arena.hpp"
#include "embed/native/run/thread_pool.hpp"

namespace runed::embed::native {

/// The panels of a small model, packed once instead of at each pass: a pass over a short text takes
/// about as long as packing what it multiplies by.
class PackedPanels {
 public:
  /// Packs no model whose panels take more than this: memory of a large one is its mapped file's.
  static constexpr size_t kMostBytes = size_t{128} << 20;

  /// Packs the matrices of all layers, if they take at most `most_bytes`; they are multiplied from
  /// there for as long as this lives.
  /// Needs: their Gemms are chosen.
  PackedPanels(Weights& weights, ThreadPool& pool, size_t most_bytes = kMostBytes);

  /// Returns the memory that is taken; 0: nothing is packed.
  size_t bytes() const { return memory_.capacity_bytes(); }

 private:
  Arena memory_;
};

}  // namespace runed::embed::native
