#include "embed/native/matrix_product.hpp"

#include <algorithm>

namespace runed::embed::native {
namespace {

// Packing a panel costs about as much as multiplying this many rows by it.
constexpr size_t kRowsWorthPacking = 32;

// A SwiGLU panel has gate columns in its first half and the same columns of up in its second, so
// that both factors of an output are in one tile.
constexpr size_t kHalfPanel = kPanelColumns / 2;

size_t outputs_per_panel(const MatrixProduct& product) {
  return product.epilogue == Epilogue::swiglu ? kHalfPanel : kPanelColumns;
}

size_t panel_count(const MatrixProduct& product) {
  const size_t outputs = outputs_per_panel(product);
  return (product.weights->rows + outputs - 1) / outputs;
}

void pack_part(const Matrix& weights, size_t first, size_t most, size_t first_column,
               float* panel) {
  const size_t count = std::min(most, weights.rows - first);
  weights.gemm->pack({weights.type, weights.row(first), weights.row_bytes, count}, weights.columns,
                     first_column, panel);
}

void finish_tile(const Kernel& kernel, const MatrixProduct& product, const float* tile, size_t row,
                 size_t row_count, size_t first_output) {
  const size_t outputs = std::min(outputs_per_panel(product), product.weights->rows - first_output);
  for (size_t i = 0; i < row_count; ++i) {
    const float* from = tile + i * kPanelColumns;
    float* to = product.out.row(row + i) + first_output;
    switch (product.epilogue) {
      case Epilogue::store:
        std::copy_n(from, outputs, to);
        break;
      case Epilogue::add:
        kernel.scale_and_add(to, 1, from, outputs);
        break;
      case Epilogue::swiglu:
        kernel.swiglu(from, from + kHalfPanel, outputs, to);
        break;
    }
  }
}

// One panel over the rows [first_row, end_row).
void multiply_panel(const Kernel& kernel, const MatrixProduct& product, size_t panel_index,
                    size_t first_row, size_t end_row, float* panel) {
  const size_t first_output = panel_index * outputs_per_panel(product);
  pack_part(*product.weights, first_output, outputs_per_panel(product), 0, panel);
  if (product.epilogue == Epilogue::swiglu) {
    pack_part(*product.up, first_output, kHalfPanel, kHalfPanel, panel);
  }
  alignas(64) float tile[kTileRows * kPanelColumns];
  for (size_t row = first_row; row < end_row; row += kTileRows) {
    const size_t row_count = std::min(kTileRows, end_row - row);
    product.weights->gemm->multiply(panel, product.weights->columns, product.in.row(row),
                                    product.in.stride, row_count, tile);
    finish_tile(kernel, product, tile, row, row_count, first_output);
  }
}

// How many ways to split the rows: more than one only where panels alone would leave threads
// without work, and where each part is worth packing its panel again.
size_t row_parts(const MatrixProduct& product, size_t panels, size_t threads) {
  const size_t wanted = panels >= 2 * threads ? 1 : (2 * threads + panels - 1) / panels;
  return std::clamp<size_t>(product.in.count / (2 * kRowsWorthPacking), 1, wanted);
}

}  // namespace

size_t panel_floats(const Gemm& gemm, size_t depth) {
  return (gemm.panel_bytes(depth) + 63) / 64 * 64 / sizeof(float);
}

void multiply(std::span<const MatrixProduct> products, const Kernel& kernel, ThreadPool& pool,
              std::span<float> panels) {
  size_t all_panels = 0;
  for (const MatrixProduct& product : products) all_panels += panel_count(product);
  const auto units_of = [&](const MatrixProduct& product) {
    return panel_count(product) * row_parts(product, all_panels, pool.threads());
  };
  size_t units = 0;
  for (const MatrixProduct& product : products) units += units_of(product);
  const size_t panel_stride = panels.size() / pool.threads();

  pool.run(units, [&](size_t unit, uint32_t thread) {
    const MatrixProduct* product = products.data();
    while (unit >= units_of(*product)) unit -= units_of(*product++);
    const size_t parts = row_parts(*product, all_panels, pool.threads());
    const size_t rows = product->in.count;
    const size_t part = unit % parts;
    multiply_panel(kernel, *product, unit / parts, rows * part / parts, rows * (part + 1) / parts,
                   panels.data() + thread * panel_stride);
  });
}

}  // namespace runed::embed::native
