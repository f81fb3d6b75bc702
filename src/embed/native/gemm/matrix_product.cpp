#include "embed/native/gemm/matrix_product.hpp"

#include <algorithm>
#include <array>

namespace runed::embed::native {
namespace {

// Packing a panel costs about as much as multiplying this many rows by it.
constexpr size_t kRowsWorthPacking = 32;

size_t outputs_per_panel(const MatrixProduct& product) {
  return part_of(product.epilogue);
}

// How long it takes to pack kPackColumns, and to multiply a tile.
constexpr size_t kPartWeight = 1;
constexpr size_t kTileWeight = 2;

void add_bias(const Kernel& kernel, const Matrix& weights, size_t first_output, size_t outputs,
              float* to) {
  if (weights.bias.empty()) return;
  kernel.scale_and_add(to, 1, weights.bias.data() + first_output, outputs);
}

// Activates a row of a tile, into the rows that take it.
void activate(const Kernel& kernel, const MatrixProduct& product, float* from, size_t outputs,
              size_t row, size_t first_output) {
  const bool is_prepared = product.prepared.gemm != nullptr;
  float* to = is_prepared ? from : product.out.row(row) + first_output;
  const float* const up = from + kGatedPart;
  switch (product.epilogue) {
    case Epilogue::swiglu:
      kernel.swiglu(from, up, outputs, to);
      break;
    case Epilogue::geglu:
      kernel.geglu(from, up, outputs, to);
      break;
    case Epilogue::geglu_tanh:
      kernel.geglu_tanh(from, up, outputs, to);
      break;
    case Epilogue::gelu:
      kernel.gelu(from, outputs, to);
      break;
    case Epilogue::store:
    case Epilogue::add:
      break;  // Which finish_tile does.
  }
  if (is_prepared) product.prepared.put(row, first_output, from, outputs);
}

void finish_tile(const Kernel& kernel, const MatrixProduct& product, float* tile, size_t row,
                 size_t row_count, size_t first_output) {
  const size_t outputs = std::min(outputs_per_panel(product), product.weights->rows - first_output);
  for (size_t i = 0; i < row_count; ++i) {
    float* from = tile + i * kPanelColumns;
    add_bias(kernel, *product.weights, first_output, outputs, from);
    switch (product.epilogue) {
      case Epilogue::store:
        std::copy_n(from, outputs, product.out.row(row + i) + first_output);
        break;
      case Epilogue::add:
        kernel.scale_and_add(product.out.row(row + i) + first_output, 1, from, outputs);
        break;
      case Epilogue::swiglu:
      case Epilogue::geglu:
      case Epilogue::geglu_tanh:
        add_bias(kernel, *product.up, first_output, outputs, from + kGatedPart);
        [[fallthrough]];
      case Epilogue::gelu:
        activate(kernel, product, from, outputs, row + i, first_output);
        break;
    }
  }
}

const float* packed_panel(const Matrix& weights, size_t index) {
  return weights.panels + index * panel_floats(weights);
}

// The memory of a later panel, which lies side by side in the file, dealt out to the packings and
// tiles before it by how long they take.
class PanelPrefetch {
 public:
  PanelPrefetch(const MatrixProduct& product, size_t panel_index, size_t weights)
      : weights_(weights) {
    if (product.weights->panels != nullptr) {
      // Behind its last panel are those of the product that comes next.
      const float* panel = packed_panel(*product.weights, panel_index);
      parts_[0] = {reinterpret_cast<const std::byte*>(panel),
                   panel_floats(*product.weights) * sizeof(float) / Prefetch::kLine};
      return;
    }
    if (panel_index >= panel_count(product)) return;
    const size_t first = panel_index * outputs_per_panel(product);
    const size_t rows = std::min(outputs_per_panel(product), product.weights->rows - first);
    add(*product.weights, first, rows);
    if (is_gated(product.epilogue)) add(*product.up, first, rows);
  }

  // Takes the part of `weight` among what is still to come.
  Prefetch take(size_t weight) {
    Prefetch& part = parts_[0].lines > 0 ? parts_[0] : parts_[1];
    const size_t all_lines = parts_[0].lines + parts_[1].lines;
    const size_t share = weight < weights_ ? all_lines * weight / weights_ + 1 : all_lines;
    const Prefetch slice{part.next, std::min(part.lines, share)};
    part.next += slice.lines * Prefetch::kLine;
    part.lines -= slice.lines;
    weights_ -= std::min(weight, weights_);
    return slice;
  }

 private:
  void add(const Matrix& weights, size_t first, size_t rows) {
    Prefetch& part = parts_[0].lines == 0 ? parts_[0] : parts_[1];
    part = {weights.row(first), rows * weights.row_bytes / Prefetch::kLine};
  }

  std::array<Prefetch, 2> parts_;
  size_t weights_;
};

// Packs up to kPackColumns outputs, as far as there are any.
void pack_part(const Matrix& weights, size_t first_output, size_t first_column, float* panel,
               const Prefetch& prefetch) {
  if (first_output >= weights.rows) return;
  const size_t count = std::min(kPackColumns, weights.rows - first_output);
  weights.gemm->pack({weights.type, weights.row(first_output), weights.row_bytes, count},
                     weights.columns, first_column, panel, prefetch);
}

void pack_panel(const MatrixProduct& product, size_t panel_index, PanelPrefetch& prefetch,
                float* panel) {
  const size_t outputs = outputs_per_panel(product);
  const size_t first_output = panel_index * outputs;
  if (first_output + outputs > product.weights->rows) {
    // What is not packed is multiplied, too: subnormal numbers there would take much longer.
    std::fill_n(panel, panel_floats(*product.weights), 0.0F);
  }
  for (size_t column = 0; column < outputs; column += kPackColumns) {
    pack_part(*product.weights, first_output + column, column, panel, prefetch.take(kPartWeight));
    if (is_gated(product.epilogue)) {
      pack_part(*product.up, first_output + column, kGatedPart + column, panel,
                prefetch.take(kPartWeight));
    }
  }
}

// One panel over the rows [first_row, end_row). `scratch` is for one that is not packed yet.
void run_panel(const Kernel& kernel, const MatrixProduct& product, size_t panel_index,
               size_t first_row, size_t end_row, size_t next_panel, float* scratch) {
  const Matrix& weights = *product.weights;
  const size_t tiles = (end_row - first_row + kTileRows - 1) / kTileRows;
  const size_t parts = weights.panels == nullptr ? kPanelColumns / kPackColumns : 0;
  PanelPrefetch prefetch(product, next_panel, parts * kPartWeight + tiles * kTileWeight);
  const float* panel = scratch;
  if (weights.panels == nullptr) {
    pack_panel(product, panel_index, prefetch, scratch);
  } else {
    panel = packed_panel(weights, panel_index);
  }
  alignas(64) float tile[kTileRows * kPanelColumns];
  for (size_t row = first_row; row < end_row; row += kTileRows) {
    const size_t row_count = std::min(kTileRows, end_row - row);
    weights.gemm->multiply(panel, weights.columns, product.in.row(row), product.in.stride,
                           row_count, tile, prefetch.take(kTileWeight));
    finish_tile(kernel, product, tile, row, row_count, panel_index * outputs_per_panel(product));
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

size_t panel_floats(const Matrix& weights) {
  return panel_floats(*weights.gemm, weights.columns);
}

size_t panel_count(const MatrixProduct& product) {
  const size_t outputs = outputs_per_panel(product);
  return (product.weights->rows + outputs - 1) / outputs;
}

void pack_panel(const MatrixProduct& product, size_t panel_index, float* panel) {
  PanelPrefetch nothing(product, panel_count(product), 0);
  pack_panel(product, panel_index, nothing, panel);
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

  pool.run(units, [&](size_t unit, uint32_t thread) noexcept {
    const MatrixProduct* product = products.data();
    while (unit >= units_of(*product)) unit -= units_of(*product++);
    const size_t parts = row_parts(*product, all_panels, pool.threads());
    const size_t rows = product->in.count;
    const size_t part = unit % parts;
    // By then the other threads will have taken those in between.
    const size_t next_panel = unit / parts + pool.threads();
    run_panel(kernel, *product, unit / parts, rows * part / parts, rows * (part + 1) / parts,
              next_panel, panels.data() + thread * panel_stride);
  });
}

}  // namespace runed::embed::native
