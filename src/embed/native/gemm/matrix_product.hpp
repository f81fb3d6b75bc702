#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "embed/native/isa/kernel.hpp"
#include "embed/native/pass/weights.hpp"
#include "embed/native/run/thread_pool.hpp"

namespace runed::embed::native {

/// Rows of activations.
struct Rows {
  float* data = nullptr;
  size_t stride = 0;  // Floats from one row to the next.
  size_t count = 0;

  float* row(size_t index) const { return data + index * stride; }
};

/// Rows as a Gemm's `multiply` reads them: prepared, or f32 where the format needs no preparation.
struct InputRows {
  std::byte* data = nullptr;
  size_t stride = 0;  // Bytes from one row to the next.
  size_t count = 0;

  std::byte* row(size_t index) const { return data + index * stride; }
};

/// Rows that are the input of a later product, prepared for it part by part as they come to be.
struct PreparedRows {
  const Gemm* gemm = nullptr;  // None: the rows are stored as f32 elsewhere.
  InputRows rows;

  /// Tells whether rows can be prepared for `gemm` in parts of this width.
  static bool can_take(const Gemm& gemm, size_t part) {
    return gemm.prepare != nullptr && part % gemm.block_elements == 0;
  }

  /// Writes a part of a row, `first` elements from its start.
  void put(size_t row, size_t first, const float* from, size_t count) const {
    gemm->prepare(from, count, rows.row(row) + gemm->row_bytes(first));
  }
};

/// The parts in which a product with a gate puts its output. Its panels have columns of gate in one
/// half and the same of up in the other, so that both factors of an output are in a tile.
inline constexpr size_t kGatedPart = kPanelColumns / 2;

/// What becomes of a product while it is still in the cache. The bias of weights that have one is
/// added to it first.
enum class Epilogue {
  store,   // out = rows * weights^T
  add,     // out += rows * weights^T
  gelu,    // out = gelu(rows * weights^T)
  swiglu,  // out = silu(rows * weights^T) * (rows * up^T)
  geglu,   // out = gelu(rows * weights^T) * (rows * up^T)
  geglu_tanh,
};

/// Tells whether a product has a second matrix, `up`.
constexpr bool is_gated(Epilogue epilogue) {
  return epilogue >= Epilogue::swiglu;
}

/// Returns in which parts a product with this epilogue puts its output.
constexpr size_t part_of(Epilogue epilogue) {
  return is_gated(epilogue) ? kGatedPart : kPanelColumns;
}

/// One matrix product. Shapes: in [count, weights.columns]; out [count, weights.rows].
/// Needs: `in` prepared for the Gemm of the weights.
struct MatrixProduct {
  const Matrix* weights = nullptr;
  const Matrix* up = nullptr;  // With a gate, of the shape of `weights`; the Gemms of both multiply
                               // alike, for both lie in one panel.
  InputRows in;
  Rows out;
  Epilogue epilogue = Epilogue::store;
  PreparedRows prepared;  // With an activation: takes the output instead of `out`.
};

/// Returns how many panels the weights of a product are cut into.
size_t panel_count(const MatrixProduct& product);

/// Packs one panel of a product's weights.
/// Shapes: panel [panel_floats(depth)].
void pack_panel(const MatrixProduct& product, size_t panel_index, float* panel);

/// Returns the floats that a panel of this depth takes.
size_t panel_floats(const Gemm& gemm, size_t depth);

/// The same of a matrix whose gemm is chosen.
size_t panel_floats(const Matrix& weights);

/// Computes products that do not depend on each other, as one job.
/// Shapes: panels [threads, panel_floats(the largest panel)].
/// Owns:   nothing; no allocation.
void multiply(std::span<const MatrixProduct> products, const Kernel& kernel, ThreadPool& pool,
              std::span<float> panels);

}  // namespace runed::embed::native
