#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "embed/model/tensor_type.hpp"
#include "embed/native/gemm/gemm.hpp"

// The seam between the forward pass and the instruction sets.
//
// A matrix product is computed panel by panel: 64 rows of a weight matrix, which become 64 columns
// of the output, are turned from the mapped file into the layout that the micro-kernel reads
// fastest, and stay in the L2 cache while all rows of the input pass over them, six at a time.
// Nothing is repacked at load, so a model is ready at once and costs no memory of its own. Products
// come in several number formats (gemm.hpp), everything between two products is f32.
//
// Each instruction set has one file, built with its own compiler flags, that instantiates templates
// (formats.hpp, dequantize.hpp, vector_math.hpp) with a tag in its anonymous namespace. Such a file
// must not emit an inline function that other files use too: the linker keeps one copy of each, and
// if it were the one with AVX-512 in it, the program would die on an older CPU. Hence nothing of
// the standard library is called there.
namespace runed::embed::native {

/// The maximum from which a streaming softmax starts: below any score.
inline constexpr float kLeastScore = -1e30F;

/// The widest head that Kernel::attend takes.
inline constexpr size_t kMostHeadWidth = 256;

/// What is added to a score by how far the query is behind the key, up to `reach` to each side.
struct ByDistance {
  static constexpr size_t kPadding = 16;  // Lanes of the widest vector.

  /// Where the addend of a distance of 0 is. Before and behind those up to `reach` there are kPadding
  /// more, which repeat the outermost. Null: nothing is added.
  const float* middle = nullptr;
  size_t reach = 0;
  bool sees_beyond = true;  // Whether keys that are farther away are seen at all.
};

/// Queries of one head, which see all keys of their text, or those that are near. Rows are [count, width], so many
/// floats apart; `out` may be `queries`.
struct HeadBlock {
  const float* queries;
  size_t query_stride;
  size_t query_count;
  const float* keys;
  const float* values;
  size_t key_stride;  // Of values too.
  size_t key_count;   // At least 1.
  size_t width;       // At most kMostHeadWidth, and a multiple of Kernel::lanes.
  float scale;        // Of the scores.
  size_t position;    // Of the first query, from the first key on.
  ByDistance addends;
  float* out;
  size_t out_stride;
};

/// One instruction set's arithmetic. No pointer need be aligned; spans must not overlap unless a
/// line says so; nothing is allocated; all functions are thread-safe.
struct Kernel {
  std::string_view name;  // `avx512`, as RUNED_CPU spells it.

  /// Products by number format; null where the instruction set lacks it.
  Gemm f32;
  const Gemm* bf16 = nullptr;
  const Gemm* int16 = nullptr;
  const Int8Gemms* int8 = nullptr;

  /// Dequantizes a run of one row: to [count] f32, count a multiple of the type's block.
  void (*dequantize)(TensorType type, const std::byte* from, size_t count, float* to);

  /// Normalises a row to a root mean square of one, times `weight`. `out` may be `in`.
  void (*rms_norm)(const float* in, const float* weight, size_t width, float epsilon, float* out);

  /// Moves a row to a mean of zero and scales it to a variance of one, then times `weight`, plus
  /// `bias`, which is null where there is none. `out` may be `in`.
  void (*layer_norm)(const float* in, const float* weight, const float* bias, size_t width,
                     float epsilon, float* out);

  /// Rotates each pair (head[i], head[half + i]) by its angle (NeoX order).
  void (*rotate)(float* head, const float* cosines, const float* sines, size_t half);

  /// Writes silu(gate) * up. `out` may be `gate`.
  void (*swiglu)(const float* gate, const float* up, size_t count, float* out);

  /// Writes gelu(gate) * up, with gelu as below, or as tanh approximates it. `out` may be `gate`.
  void (*geglu)(const float* gate, const float* up, size_t count, float* out);
  void (*geglu_tanh)(const float* gate, const float* up, size_t count, float* out);

  /// Writes in * P(a normal variable <= in), with an error below 1e-6. `out` may be `in`.
  void (*gelu)(const float* in, size_t count, float* out);

  /// Turns scores into softmax weights that still lack the division by the final sum. `maximum`
  /// and `sum` are those of all calls so far, and start at kLeastScore and 0. Returns the factor
  /// that brings what was weighted by earlier calls to the new maximum.
  float (*softmax_step)(float* scores, size_t count, float& maximum, float& sum);

  /// Writes the attention of the queries of a block, in f32.
  void (*attend)(const HeadBlock& block);
  size_t lanes;  // Floats of a vector.

  /// Writes in * factor. `out` may be `in`.
  void (*scale)(const float* in, float factor, size_t count, float* out);

  /// Writes out * factor + addend over out.
  void (*scale_and_add)(float* out, float factor, const float* addend, size_t count);
};

/// The kernels of this build. Only those whose instruction set the CPU has may be called.
extern const Kernel kPortableKernel;
#if defined(__x86_64__)
extern const Kernel kAvx2Kernel;
extern const Gemm kAvxVnniInt16;
extern const Int8Gemms kAvxVnniInt8;
extern const Kernel kAvx512Kernel;
extern const Gemm kAvx512VnniInt16;
extern const Int8Gemms kAvx512VnniInt8;
extern const Gemm kAvx512Bf16;
#endif

}  // namespace runed::embed::native
