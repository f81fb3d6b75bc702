#pragma once

#include <cstddef>

#include "embed/model/tensor_type.hpp"
#include "embed/native/gemm/prefetch.hpp"

namespace runed::embed::native {

inline constexpr size_t kPanelColumns = 64;
inline constexpr size_t kTileRows = 6;
inline constexpr size_t kPackColumns = 16;  // A panel is packed by multiples of it.

/// A part of a weight matrix as it is stored.
struct StoredRows {
  TensorType type;
  const std::byte* first;
  size_t row_bytes;
  size_t count;  // 1..kPanelColumns.
};

/// Matrix products in one number format. No pointer need be aligned; spans must not overlap;
/// nothing is allocated; all functions are thread-safe.
///
/// `depth` is the number of columns of the weights: what is summed over. `prefetch` is asked for
/// meanwhile.
struct Gemm {
  /// Numbers of a row that are prepared independently of all others. A row may be prepared in parts
  /// that are multiples of it, each at row_bytes of the numbers before it.
  size_t block_elements;

  /// Returns the size of a prepared input row.
  size_t (*row_bytes)(size_t depth);

  /// Writes an input row in this format. None: rows of f32 are multiplied as they are.
  /// Shapes: from [depth] f32; to [row_bytes(depth)] bytes.
  void (*prepare)(const float* from, size_t depth, void* to);

  /// Returns the size of a panel.
  size_t (*panel_bytes)(size_t depth);

  /// Writes weight rows as the panel's columns from `first_column`, a multiple of kPackColumns,
  /// onwards. The columns after them, up to the next multiple, repeat the last one; others stay as
  /// they are.
  /// Shapes: rows [rows.count, depth] as stored; panel [panel_bytes(depth)].
  void (*pack)(const StoredRows& rows, size_t depth, size_t first_column, void* panel,
               const Prefetch& prefetch);

  /// Writes f32 rows as the panel's rows, with zeros in the columns past `columns`. None: this
  /// format is for stored weights only.
  /// Shapes: rows [depth, columns <= kPanelColumns], `stride` floats apart.
  void (*pack_as_rows)(const float* rows, size_t stride, size_t depth, size_t columns, void* panel);

  /// Multiplies up to six input rows by a panel.
  /// Shapes: rows [row_count], prepared, `stride` bytes apart; tile [row_count, kPanelColumns] f32.
  /// Needs:  1 <= row_count <= kTileRows.
  void (*multiply)(const void* panel, size_t depth, const void* rows, size_t stride,
                   size_t row_count, float* tile, const Prefetch& prefetch);
};

/// Products of quantized weights as they are stored, by their type. All prepare rows alike.
struct Int8Gemms {
  Gemm q8_0;
  Gemm q6_k;
  Gemm q5_k;
  Gemm q4_k;
};

}  // namespace runed::embed::native
