#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "embed/model/model_spec.hpp"
#include "embed/native/gemm/matrix_product.hpp"
#include "embed/native/isa/kernel.hpp"
#include "embed/native/pass/distance_table.hpp"
#include "embed/native/pass/rope_table.hpp"
#include "embed/native/pass/weights.hpp"
#include "embed/native/run/thread_pool.hpp"

namespace runed::embed::native {

/// Consecutive tokens of one text that ask. Positions count from the start of the text.
struct QueryBlock {
  size_t text_row;   // Row of the text's first token among keys and values.
  size_t query_row;  // Row of the block's first token among queries.
  size_t position;   // Of the block's first token.
  size_t count;      // Tokens.
  size_t key_end;    // Tokens of the text that any of the block sees, from its first one on.
};

/// What attention goes by in one layer.
struct AttentionLayer {
  const LayerWeights& weights;
  const RopeTable& rope;
  bool is_local = false;  // Only tokens within ModelSpec::window are seen.
};

/// Grouped-query attention within each text of a packed batch, under the mask of the model.
///
/// One unit of work is a block of queries and one key/value head. It walks over the keys in blocks
/// of 64, with a streaming softmax, so memory does not grow with the length of a text, and leaves out
/// those that are outside of a window. Without a mask
/// Kernel::attend does so in f32, of heads that vectors divide; else keys and values are packed into
/// panels for the same micro-kernel that does the matrix products.
/// Source: Milakov and Gimelshein, Online normalizer calculation for softmax (arXiv:1805.02867).
class Attention {
 public:
  /// Computes what panels are for in the format of `gemm`, which packs f32. All are borrowed.
  /// Shapes: by_bucket [heads, position_buckets], what is added to scores (distance_table.hpp).
  Attention(const ModelSpec& spec, const Kernel& kernel, const Gemm& gemm, ThreadPool& pool,
            std::span<const float> by_bucket = {});

  /// Splits the queries of a text of `length` tokens, from `position` to before `end`, into blocks
  /// and appends them.
  struct AskingTokens {
    size_t position;
    size_t end;
    size_t length;
  };
  void append_blocks(size_t text_row, size_t query_row, AskingTokens asking,
                     std::vector<QueryBlock>& blocks) const;

  /// Returns the floats of scratch that each thread needs.
  size_t scratch_floats() const;

  /// Normalises the keys and rotates each to its position in its text, where the model does either.
  /// Shapes: keys [n_tokens, kv_heads * head_width]; positions [n_tokens].
  void place_keys(const AttentionLayer& layer, std::span<const uint32_t> positions,
                  const Rows& keys) const;

  /// Writes the attention of each query over the query itself, or into `prepared` if that has a
  /// Gemm, in parts of a head.
  /// Shapes: queries [n_queries, heads * head_width]; keys, values
  ///         [n_tokens, kv_heads * head_width]; scratch [threads, scratch_floats()].
  /// Needs:  keys placed; rope extended to the longest text.
  void attend(const AttentionLayer& layer, std::span<const QueryBlock> blocks, const Rows& queries,
              const Rows& keys, const Rows& values, const PreparedRows& prepared,
              std::span<float> scratch) const;

 private:
  struct Unit;

  // Where the parts of a thread's scratch begin, in floats.
  struct ScratchOffsets {
    size_t wanted;
    size_t outputs;
    size_t maxima;
    size_t sums;
    size_t shares;
    size_t key_panel;
    size_t value_panels;
    size_t end;
  };

  size_t block_tokens() const;
  size_t value_chunks() const;
  ScratchOffsets scratch_offsets() const;
  Unit make_unit(const QueryBlock& block, size_t kv_head, const Rows& queries, const Rows& keys,
                 const Rows& values, float* scratch) const;
  void place(const NormWeights& norm, const RopeTable& rope, size_t position, const float* from,
             float* to) const;
  const DistanceTable* table_of(const AttentionLayer& layer, size_t head) const;
  void attend_without_mask(const AttentionLayer& layer, const Unit& unit,
                           const PreparedRows& prepared) const;
  void attend_by_panels(const AttentionLayer& layer, const Unit& unit,
                        const PreparedRows& prepared) const;
  void gather_queries(const AttentionLayer& layer, const Unit& unit) const;
  void add_by_distance(const AttentionLayer& layer, const Unit& unit, size_t row, size_t first_key,
                       size_t key_count, float* scores) const;
  void pack_keys(const Unit& unit, size_t first_key, size_t key_count) const;
  void attend_to_keys(const AttentionLayer& layer, const Unit& unit, size_t first_key,
                      size_t key_count) const;
  void add_values(const Unit& unit, size_t row, size_t row_count, const float* tile,
                  const float* factors, size_t key_count) const;
  void scatter_outputs(const Unit& unit, const PreparedRows& prepared) const;

  const Kernel& kernel_;
  const Gemm& gemm_;
  ThreadPool& pool_;
  size_t heads_per_kv_;
  size_t kv_heads_;
  size_t head_width_;
  float epsilon_;
  bool is_causal_;
  bool is_rotary_;
  bool has_panels_;
  std::vector<DistanceTable> by_head_;   // Of each head, in every layer; or none.
  std::optional<DistanceTable> window_;  // In local layers; or none.
};

}  // namespace runed::embed::native
