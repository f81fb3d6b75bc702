#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "embed/native/tensor_type.hpp"

// The seam between the forward pass and the instruction sets.
//
// A matrix product is computed panel by panel: 64 rows of a weight matrix, which become 64 columns
// of the output, are turned from the mapped file into the layout that the kernel reads fastest, and
// stay in the L2 cache while all rows of the input pass over them, six at a time. Nothing is
// repacked at load, so a model is ready at once and costs no memory of its own. A kernel for
// another number format (bf16 pairs, int8 quads) is one more implementation: a panel's layout is
// the kernel's own business, only its size in bytes is known outside.
//
// Each instruction set has one file, built with its own compiler flags, that instantiates the
// templates of dequantize.hpp, panel.hpp and vector_math.hpp with a tag in its anonymous namespace.
// Such a file must not emit an inline function that other files use too: the linker keeps one copy
// of each, and if it were the one with AVX-512 in it, the program would die on an older CPU. Hence
// nothing of the standard library is called there.
namespace runed::embed::native {

inline constexpr size_t kPanelColumns = 64;
inline constexpr size_t kTileRows = 6;

/// A part of a weight matrix as it is stored.
struct StoredRows {
  TensorType type;
  const std::byte* first;
  size_t row_bytes;
  size_t count;  // 1..kPanelColumns.
};

/// The maximum from which a streaming softmax starts: below any score.
inline constexpr float kLeastScore = -1e30F;

/// One instruction set's arithmetic. No pointer need be aligned; spans must not overlap unless a
/// line says so; nothing is allocated; all functions are thread-safe.
struct Kernel {
  std::string_view name;     // `avx512`, as RUNED_CPU spells it.
  std::string_view compute;  // Of products: `f32`.

  /// Returns the size of a panel.
  size_t (*panel_bytes)(size_t depth);

  /// Dequantizes a run of one row: to [count] f32, count a multiple of the type's block.
  void (*dequantize)(TensorType type, const std::byte* from, size_t count, float* to);

  /// Writes weight rows as the panel's columns from `first_column`, a multiple of 16, onwards.
  /// Columns up to the next multiple of 16 become zero; the others stay as they are.
  /// Shapes: rows [rows.count, depth] as stored; panel [panel_bytes(depth)].
  void (*pack)(const StoredRows& rows, size_t depth, size_t first_column, void* panel);

  /// Writes f32 rows as the panel's rows, with zeros in the columns past `columns`.
  /// Shapes: rows [depth, columns <= kPanelColumns], `stride` floats apart.
  void (*pack_as_rows)(const float* rows, size_t stride, size_t depth, size_t columns, void* panel);

  /// Multiplies up to six rows by a panel.
  /// Shapes: rows [row_count, depth] f32, `stride` floats apart; tile [row_count, kPanelColumns].
  /// Needs:  1 <= row_count <= kTileRows.
  void (*multiply)(const void* panel, size_t depth, const float* rows, size_t stride,
                   size_t row_count, float* tile);

  /// Normalises a row to a root mean square of one, times `weight`. `out` may be `in`.
  void (*rms_norm)(const float* in, const float* weight, size_t width, float epsilon, float* out);

  /// Rotates each pair (head[i], head[half + i]) by its angle (NeoX order).
  void (*rotate)(float* head, const float* cosines, const float* sines, size_t half);

  /// Writes silu(gate) * up. `out` may be `gate`.
  void (*swiglu)(const float* gate, const float* up, size_t count, float* out);

  /// Turns scores into softmax weights that still lack the division by the final sum. `maximum`
  /// and `sum` are those of all calls so far, and start at kLeastScore and 0. Returns the factor
  /// that brings what was weighted by earlier calls to the new maximum.
  float (*soften)(float* scores, size_t count, float& maximum, float& sum);

  /// Writes out * factor + addend over out.
  void (*scale_and_add)(float* out, float factor, const float* addend, size_t count);
};

/// The kernels of this build. Only those whose instruction set the CPU has may be called.
extern const Kernel kPortableKernel;
#if defined(__x86_64__)
extern const Kernel kAvx2Kernel;
extern const Kernel kAvx512Kernel;
#endif

}  // namespace runed::embed::native
