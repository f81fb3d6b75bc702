#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "embed/engine.hpp"
#include "embed/model/model_spec.hpp"
#include "embed/native/gemm/matrix_product.hpp"
#include "embed/native/gemm/number_format.hpp"
#include "embed/native/isa/kernel.hpp"
#include "embed/native/pass/attention.hpp"
#include "embed/native/pass/rope_table.hpp"
#include "embed/native/pass/weights.hpp"
#include "embed/native/run/arena.hpp"
#include "embed/native/run/phase_times.hpp"
#include "embed/native/run/thread_pool.hpp"

namespace runed::embed::native {

/// The forward pass of a decoder or an encoder (supported_spec.hpp). Products are computed in the
/// formats that their weights name, the rest in f32.
///
/// Texts lie end to end without padding; only attention knows where one ends. Where the vector of a
/// text is that of one token, the last layer computes keys and values for all tokens, and everything
/// else for that one alone.
class ForwardPass {
 public:
  /// Borrows all but `compute`, with which the Gemms of the weights were chosen.
  ForwardPass(const ModelSpec& spec, const Weights& weights, NumberFormat compute,
              const Kernel& kernel, ThreadPool& pool);

  /// Writes the unit-length vectors of a batch, and their norms. A row may come out not finite: the
  /// caller checks.
  /// Shapes: those of EmbeddingRows.
  /// Needs:  the shapes of PackedBatch; every id in the vocabulary.
  /// Owns:   scratch memory, which stays for the next batch unless this one was very large.
  void run(const PackedBatch& batch, const EmbeddingRows& out);

  /// Writes the raw scores of a batch of pairs, [n_texts]. One may come out not finite, as above.
  /// Needs:  also a spec of Head::rank.
  void score(const PackedBatch& batch, std::span<float> out);

  /// Returns the scratch memory that is held.
  size_t scratch_bytes() const { return arena_.capacity_bytes(); }

  /// Adds the times of all passes from now on to `times`, which is borrowed; null: measures
  /// nothing.
  void measure(PhaseTimes* times) { times_ = times; }

 private:
  struct Scratch {
    Rows hidden;              // [n_tokens, width], the residual stream.
    InputRows normed;         // [n_tokens, width]
    Rows pooled;  // [n_texts, width], the residual stream of the tokens that are pooled.
    InputRows pooled_normed;  // [n_texts, width]
    Rows queries;             // [n_tokens, heads * head_width], then what attention gives.
    Rows keys;                // [n_tokens, kv_heads * head_width]
    Rows values;              // [n_tokens, kv_heads * head_width]
    Rows ff;                  // [n_tokens, ff_width], in the place of queries, keys and values.
    InputRows attended;       // [n_tokens, heads * head_width], `queries` for the product; or none.
    InputRows activated;      // [n_tokens, ff_width], `ff` for the product; or none.
    Rows given;               // [n_tokens, width], what a part gives before its norm; or none.
    Rows rows;                // [threads, width], a row on its way.
    std::span<float> panels;  // [threads, floats of the largest panel]
    std::span<float> attention;  // [threads, Attention::scratch_floats()]
  };

  /// Where the texts of a batch are.
  struct Layout {
    std::vector<uint32_t> positions;     // [n_tokens], in the token's text.
    std::vector<uint8_t> are_second;     // [n_tokens], of the second segment; empty: none is.
    std::vector<uint32_t> pooled_rows;   // [n_texts], row of the token that is each text's vector.
    std::vector<QueryBlock> all_blocks;  // Every token asks.
    std::vector<QueryBlock> pooled_blocks;  // That token of each text asks.
  };

  /// The tokens of which a layer computes more than keys and values.
  struct WantedRows {
    std::span<const QueryBlock> blocks;
    Rows hidden;
    InputRows in;      // What the layer's products read of `hidden`.
    InputRows normed;  // Where what later products read is written.
    Rows queries;
  };

  /// The largest that any layer needs.
  struct Sizes {
    size_t normed = 0;     // Bytes of a row as its products read it.
    size_t attended = 0;   // The same; 0 where they read f32 rows as they are.
    size_t activated = 0;  // As `attended`.
    size_t panel = 0;      // Floats.
    bool has_ff = false;   // Whether the activations of a layer must be stored as f32.
  };

  bool normalizes_after() const { return spec_.norm_place == NormPlace::after; }
  const Matrix& first_ff(const LayerWeights& layer) const;

  Scratch compute(const PackedBatch& batch);
  void finish(const PackedBatch& batch);
  Layout lay_out_texts(const PackedBatch& batch) const;
  void mark_second_segments(const PackedBatch& batch, Layout& layout) const;
  Scratch lay_out_scratch(size_t tokens, size_t texts);
  void look_up(std::span<const TokenId> ids, const Layout& layout, const Scratch& scratch) const;
  WantedRows gather_pooled(const Layout& layout, const InputRows& in, const Scratch& scratch) const;
  void attend(size_t index, const Layout& layout, const InputRows& in,
              const WantedRows& wanted, const Scratch& scratch) const;
  void feed_forward(const LayerWeights& layer, const InputRows& in, const WantedRows& wanted,
                    const Scratch& scratch) const;
  AttentionLayer attention_layer(size_t index) const;
  void add_product(const Matrix& weights, const InputRows& in, const NormWeights& norm,
                   const Rows& stream, const Scratch& scratch) const;
  void apply_norm(const NormWeights& norm, const float* in, float* out) const;
  InputRows normalize(const Rows& stream, const NormWeights& norm, const Gemm& gemm,
                      const Scratch& scratch, const InputRows& out) const;
  InputRows prepare(const Rows& in, const Gemm& gemm, size_t width, const InputRows& out) const;
  Rows normalized_states(const Scratch& scratch) const;
  template <typename Write>
  void for_each_text(std::span<const uint32_t> offsets, const Scratch& scratch,
                     const Write& write) const;
  void write_vectors(std::span<const uint32_t> offsets, const Scratch& scratch,
                     const EmbeddingRows& out) const;
  void end(Phase phase) const {
    if (times_ != nullptr) times_->end(phase);
  }

  const ModelSpec& spec_;
  const Weights& weights_;
  const Kernel& kernel_;
  ThreadPool& pool_;
  Attention attention_;
  RopeTable rope_;
  RopeTable local_rope_;
  Sizes sizes_;
  Arena arena_;
  PhaseTimes* times_ = nullptr;
};

}  // namespace runed::embed::native
