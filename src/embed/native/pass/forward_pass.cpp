#include "embed/native/pass/forward_pass.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <type_traits>

#include "embed/native/gemm/gemm_choice.hpp"
#include "embed/native/pass/pooling.hpp"
#include "embed/native/pass/rank_head.hpp"

namespace runed::embed::native {
namespace {

constexpr size_t kRowsPerUnit = 16;  // Of the passes over single rows.

// A batch of more tokens than this gives its scratch memory back at once.
constexpr size_t kTokensToKeep = 4096;

constexpr size_t kLineBytes = 64;

// Rows a power of two apart would share few sets of the L1 cache: one cache line more is enough.
InputRows take_input_rows(Arena& arena, size_t count, size_t row_bytes) {
  const size_t stride = (row_bytes + kLineBytes - 1) / kLineBytes * kLineBytes + kLineBytes;
  float* data = arena.take(count * stride / sizeof(float)).data();
  return {reinterpret_cast<std::byte*>(data), stride, count};
}

Rows take_rows(Arena& arena, size_t count, size_t width) {
  const size_t stride = (width + 15) / 16 * 16 + 16;
  return {arena.take(count * stride).data(), stride, count};
}

// Calls work(row, thread).
template <typename Work>
void for_each_row(ThreadPool& pool, size_t count, const Work& work) {
  static_assert(std::is_nothrow_invocable_v<const Work&, size_t, uint32_t>);
  pool.run((count + kRowsPerUnit - 1) / kRowsPerUnit, [&](size_t unit, uint32_t thread) noexcept {
    const size_t end = std::min(count, (unit + 1) * kRowsPerUnit);
    for (size_t row = unit * kRowsPerUnit; row < end; ++row) work(row, thread);
  });
}

template <typename AnyRows>
AnyRows first_rows(const AnyRows& rows, size_t count) {
  return {rows.data, rows.stride, count};
}

// Rows of f32, as a product in f32 reads them.
InputRows as_input(const Rows& rows) {
  return {reinterpret_cast<std::byte*>(rows.data), rows.stride * sizeof(float), rows.count};
}

// Rows that take the input of a product part by part, where its format can.
PreparedRows take_prepared(const Matrix& weights, size_t part, const InputRows& rows) {
  if (!PreparedRows::can_take(*weights.gemm, part)) return {};
  return {weights.gemm, rows};
}

Epilogue epilogue_of(Activation activation) {
  switch (activation) {
    case Activation::swiglu:
      return Epilogue::swiglu;
    case Activation::geglu:
      return Epilogue::geglu;
    case Activation::geglu_tanh:
      return Epilogue::geglu_tanh;
    case Activation::gelu:
      break;
  }
  return Epilogue::gelu;
}

// A prepared row's size; 0 where the format takes f32 rows as they are.
size_t prepared_bytes(const Matrix& weights) {
  return weights.gemm->prepare == nullptr ? 0 : weights.gemm->row_bytes(weights.columns);
}

}  // namespace

ForwardPass::ForwardPass(const ModelSpec& spec, const Weights& weights, NumberFormat compute,
                         const Kernel& kernel, ThreadPool& pool)
    : spec_(spec),
      weights_(weights),
      kernel_(kernel),
      pool_(pool),
      attention_(spec, kernel, attention_gemm(kernel, compute), pool, weights.by_bucket),
      rope_(spec.rope_base, spec.head_width, spec.rope_scaling_factor),
      local_rope_(spec.local_rope_base, spec.head_width) {
  const auto raise = [](size_t& size, size_t to) { size = std::max(size, to); };
  for (const LayerWeights& layer : weights.layers) {
    raise(sizes_.normed, layer.query.gemm->row_bytes(spec.width));
    raise(sizes_.normed, first_ff(layer).gemm->row_bytes(spec.width));
    raise(sizes_.attended, prepared_bytes(layer.output));
    raise(sizes_.activated, prepared_bytes(layer.down));
    if (!PreparedRows::can_take(*layer.down.gemm, part_of(epilogue_of(spec.activation)))) {
      sizes_.has_ff = true;
    }
    for_each_matrix(layer,
                    [&](const Matrix& matrix) { raise(sizes_.panel, panel_floats(matrix)); });
  }
}

const Matrix& ForwardPass::first_ff(const LayerWeights& layer) const {
  return is_gated(spec_.activation) ? layer.gate : layer.up;
}

AttentionLayer ForwardPass::attention_layer(size_t index) const {
  const bool is_local = spec_.is_local(static_cast<uint32_t>(index));
  return {weights_.layers[index], is_local ? local_rope_ : rope_, is_local};
}

void ForwardPass::run(const PackedBatch& batch, const EmbeddingRows& out) {
  write_vectors(batch.offsets, compute(batch), out);
  finish(batch);
}

void ForwardPass::score(const PackedBatch& batch, std::span<float> out) {
  for_each_text(batch.offsets, compute(batch),
                [&](size_t text, const float* rows, size_t stride, size_t count) {
                  out[text] = score_pair(spec_, weights_, kernel_, rows, stride, count);
                });
  finish(batch);
}

void ForwardPass::finish(const PackedBatch& batch) {
  end(Phase::finish);
  if (batch.ids.size() > kTokensToKeep) arena_.release();
}

// Returns the states of the tokens that are pooled, before the last norm.
ForwardPass::Scratch ForwardPass::compute(const PackedBatch& batch) {
  if (times_ != nullptr) times_->begin();
  const size_t texts = batch.offsets.size() - 1;
  const Layout layout = lay_out_texts(batch);
  const Scratch scratch = lay_out_scratch(batch.ids.size(), texts);
  if (spec_.positions == Positions::rotary) {
    const size_t positions = *std::ranges::max_element(layout.positions) + size_t{1};
    rope_.extend(positions);
    if (spec_.window > 0) local_rope_.extend(positions);
  }

  look_up(batch.ids, layout, scratch);
  end(Phase::look_up);
  InputRows in;
  if (normalizes_after()) {
    in = prepare(scratch.hidden, *weights_.layers[0].query.gemm, spec_.width, scratch.normed);
  }
  for (size_t i = 0; i < weights_.layers.size(); ++i) {
    const LayerWeights& layer = weights_.layers[i];
    if (!normalizes_after()) {
      in = normalize(scratch.hidden, layer.attention_norm, *layer.query.gemm, scratch,
                     scratch.normed);
    }
    end(Phase::norm);
    const bool is_last = i + 1 == weights_.layers.size();
    const WantedRows wanted =
        is_last && is_of_one_token(spec_.pooled_state())
            ? gather_pooled(layout, in, scratch)
            : WantedRows{layout.all_blocks, scratch.hidden, in, scratch.normed, scratch.queries};
    attend(i, layout, in, wanted, scratch);
    const InputRows ff_in =
        normalize(wanted.hidden, normalizes_after() ? layer.attention_norm : layer.ff_norm,
                  *first_ff(layer).gemm, scratch, wanted.normed);
    end(Phase::norm);
    feed_forward(layer, ff_in, wanted, scratch);
    if (normalizes_after()) {
      const LayerWeights& next = weights_.layers[is_last ? i : i + 1];
      in = normalize(wanted.hidden, layer.ff_norm, *next.query.gemm, scratch, wanted.normed);
    }
  }
  return scratch;
}

ForwardPass::Layout ForwardPass::lay_out_texts(const PackedBatch& batch) const {
  const std::span<const uint32_t> offsets = batch.offsets;
  Layout layout;
  mark_second_segments(batch, layout);
  for (size_t text = 0; text + 1 < offsets.size(); ++text) {
    const uint32_t first = offsets[text];
    const uint32_t count = offsets[text + 1] - first;
    for (uint32_t position = 0; position < count; ++position) layout.positions.push_back(position);
    const uint32_t pooled = spec_.pooled_state() == Pooling::cls ? 0 : count - 1;
    layout.pooled_rows.push_back(first + pooled);
    attention_.append_blocks(first, first, {0, count, count}, layout.all_blocks);
    attention_.append_blocks(first, text, {pooled, pooled + size_t{1}, count},
                             layout.pooled_blocks);
  }
  return layout;
}

void ForwardPass::mark_second_segments(const PackedBatch& batch, Layout& layout) const {
  if (weights_.second_type.empty() || batch.seconds.empty()) return;
  layout.are_second.resize(batch.ids.size());
  for (size_t text = 0; text + 1 < batch.offsets.size(); ++text) {
    const auto token = [&](size_t at) {
      return layout.are_second.begin() + static_cast<std::ptrdiff_t>(at);
    };
    std::fill(token(batch.offsets[text] + batch.seconds[text]), token(batch.offsets[text + 1]), 1);
  }
}

ForwardPass::Scratch ForwardPass::lay_out_scratch(size_t tokens, size_t texts) {
  const size_t query_width = size_t{spec_.heads} * spec_.head_width;
  const size_t kv_width = size_t{spec_.kv_heads} * spec_.head_width;
  return arena_.lay_out([&](Arena& arena) {
    Scratch scratch;
    scratch.hidden = take_rows(arena, tokens, spec_.width);
    scratch.normed = take_input_rows(arena, tokens, sizes_.normed);
    scratch.pooled = take_rows(arena, texts, spec_.width);
    scratch.pooled_normed = take_input_rows(arena, texts, sizes_.normed);
    scratch.given =
        take_rows(arena, spec_.norm_place == NormPlace::around ? tokens : 0, spec_.width);
    scratch.rows = take_rows(arena, pool_.threads(), spec_.width);
    scratch.panels = arena.take(pool_.threads() * sizes_.panel);
    scratch.attention = arena.take(pool_.threads() * attention_.scratch_floats());
    arena.overlay(
        [&] {
          scratch.ff = take_rows(arena, sizes_.has_ff ? tokens : 0, spec_.ff_width);
          if (sizes_.activated > 0) {
            scratch.activated = take_input_rows(arena, tokens, sizes_.activated);
          }
        },
        [&] {
          if (sizes_.attended > 0) {
            scratch.attended = take_input_rows(arena, tokens, sizes_.attended);
          }
          scratch.queries = take_rows(arena, tokens, query_width);
          scratch.keys = take_rows(arena, tokens, kv_width);
          scratch.values = take_rows(arena, tokens, kv_width);
        });
    return scratch;
  });
}

void ForwardPass::look_up(std::span<const TokenId> ids, const Layout& layout,
                          const Scratch& scratch) const {
  const auto add = [this](float* to, const float* addend) {
    kernel_.scale_and_add(to, 1, addend, spec_.width);
  };
  for_each_row(pool_, ids.size(), [&](size_t row, uint32_t thread) noexcept {
    const Matrix& embedding = weights_.embedding;
    const Matrix& positions = weights_.positions;
    float* to = scratch.hidden.row(row);
    kernel_.dequantize(embedding.type, embedding.row(ids[row]), spec_.width, to);
    if (spec_.embedding_scale != 1) kernel_.scale(to, spec_.embedding_scale, spec_.width, to);
    const bool is_second = !layout.are_second.empty() && layout.are_second[row] != 0;
    const std::vector<float>& type = is_second ? weights_.second_type : weights_.type;
    if (!type.empty()) add(to, type.data());
    if (positions.is_there()) {
      float* position = scratch.rows.row(thread);
      kernel_.dequantize(positions.type, positions.row(layout.positions[row]), spec_.width,
                         position);
      add(to, position);
    }
    if (weights_.embedding_norm.is_there()) apply_norm(weights_.embedding_norm, to, to);
  });
}

ForwardPass::WantedRows ForwardPass::gather_pooled(const Layout& layout, const InputRows& in,
                                                   const Scratch& scratch) const {
  const size_t texts = scratch.pooled.count;
  for (size_t text = 0; text < texts; ++text) {
    const size_t row = layout.pooled_rows[text];
    std::copy_n(scratch.hidden.row(row), spec_.width, scratch.pooled.row(text));
    std::copy_n(in.row(row), std::min(in.stride, sizes_.normed), scratch.pooled_normed.row(text));
  }
  return {layout.pooled_blocks, scratch.pooled, scratch.pooled_normed, scratch.pooled_normed,
          first_rows(scratch.queries, texts)};
}

// Adds to each wanted row what it sees.
void ForwardPass::attend(size_t index, const Layout& layout, const InputRows& in,
                         const WantedRows& wanted, const Scratch& scratch) const {
  const LayerWeights& layer = weights_.layers[index];
  const std::array products{
      MatrixProduct{.weights = &layer.query, .in = wanted.in, .out = wanted.queries},
      MatrixProduct{.weights = &layer.key, .in = in, .out = scratch.keys},
      MatrixProduct{.weights = &layer.value, .in = in, .out = scratch.values}};
  multiply(products, kernel_, pool_, scratch.panels);
  end(Phase::qkv);
  const AttentionLayer attention = attention_layer(index);
  attention_.place_keys(attention, layout.positions, scratch.keys);
  end(Phase::keys);
  const Rows& queries = wanted.queries;
  const PreparedRows attended = take_prepared(layer.output, spec_.head_width, scratch.attended);
  attention_.attend(attention, wanted.blocks, queries, scratch.keys, scratch.values, attended,
                    scratch.attention);
  end(Phase::attention);
  const InputRows output_in =
      attended.gemm != nullptr
          ? first_rows(attended.rows, queries.count)
          : prepare(queries, *layer.output.gemm, layer.output.columns, scratch.attended);
  end(Phase::prepare);
  add_product(layer.output, output_in, layer.output_post_norm, wanted.hidden, scratch);
  end(Phase::output);
}

// Adds a product to the residual stream, by way of its norm where it has one.
void ForwardPass::add_product(const Matrix& weights, const InputRows& in, const NormWeights& norm,
                              const Rows& stream, const Scratch& scratch) const {
  const bool has_norm = norm.is_there();
  const Rows given = has_norm ? first_rows(scratch.given, stream.count) : stream;
  const MatrixProduct product{.weights = &weights,
                              .in = in,
                              .out = given,
                              .epilogue = has_norm ? Epilogue::store : Epilogue::add};
  multiply({&product, 1}, kernel_, pool_, scratch.panels);
  if (!has_norm) return;
  for_each_row(pool_, stream.count, [&](size_t row, uint32_t) noexcept {
    apply_norm(norm, given.row(row), given.row(row));
    kernel_.scale_and_add(stream.row(row), 1, given.row(row), spec_.width);
  });
}

void ForwardPass::feed_forward(const LayerWeights& layer, const InputRows& in,
                               const WantedRows& wanted, const Scratch& scratch) const {
  const Rows ff = first_rows(scratch.ff, wanted.hidden.count);
  const Epilogue epilogue = epilogue_of(spec_.activation);
  const PreparedRows activated = take_prepared(layer.down, part_of(epilogue), scratch.activated);
  const MatrixProduct wide{.weights = &first_ff(layer),
                           .up = &layer.up,
                           .in = in,
                           .out = ff,
                           .epilogue = epilogue,
                           .prepared = activated};
  multiply({&wide, 1}, kernel_, pool_, scratch.panels);
  end(Phase::gate_up);
  const InputRows narrow_in =
      activated.gemm != nullptr
          ? first_rows(activated.rows, ff.count)
          : prepare(ff, *layer.down.gemm, layer.down.columns, scratch.activated);
  end(Phase::prepare);
  add_product(layer.down, narrow_in, layer.down_post_norm, wanted.hidden, scratch);
  end(Phase::down);
}

void ForwardPass::apply_norm(const NormWeights& norm, const float* in, float* out) const {
  const float* bias = norm.bias.empty() ? nullptr : norm.bias.data();
  if (spec_.norm == Norm::layer) {
    kernel_.layer_norm(in, norm.weight.data(), bias, spec_.width, spec_.norm_epsilon, out);
  } else {
    kernel_.rms_norm(in, norm.weight.data(), spec_.width, spec_.norm_epsilon, out);
  }
}

// Normalises what the next product reads: the stream itself, where the model does so after what it
// adds; else a copy. Without a norm the stream is read as it is.
InputRows ForwardPass::normalize(const Rows& stream, const NormWeights& norm, const Gemm& gemm,
                                 const Scratch& scratch, const InputRows& out) const {
  if (!norm.is_there()) return prepare(stream, gemm, spec_.width, out);
  const bool takes_floats = gemm.prepare == nullptr;
  for_each_row(pool_, stream.count, [&](size_t row, uint32_t thread) noexcept {
    float* to = stream.row(row);
    if (!normalizes_after()) {
      to = takes_floats ? reinterpret_cast<float*>(out.row(row)) : scratch.rows.row(thread);
    }
    apply_norm(norm, stream.row(row), to);
    if (!takes_floats) gemm.prepare(to, spec_.width, out.row(row));
  });
  if (takes_floats && normalizes_after()) return as_input(stream);
  return {out.data, out.stride, stream.count};
}

// Where f32 rows are multiplied as they are, they are returned themselves.
InputRows ForwardPass::prepare(const Rows& in, const Gemm& gemm, size_t width,
                               const InputRows& out) const {
  if (gemm.prepare == nullptr) return as_input(in);
  for_each_row(pool_, in.count, [&](size_t row, uint32_t) noexcept {
    gemm.prepare(in.row(row), width, out.row(row));
  });
  return {out.data, out.stride, in.count};
}

Rows ForwardPass::normalized_states(const Scratch& scratch) const {
  const Rows& rows = is_of_one_token(spec_.pooled_state()) ? scratch.pooled : scratch.hidden;
  if (weights_.output_norm.is_there()) {
    for_each_row(pool_, rows.count, [&](size_t row, uint32_t) noexcept {
      apply_norm(weights_.output_norm, rows.row(row), rows.row(row));
    });
  }
  return rows;
}

// Calls write(text, rows, stride, count) with the states of which the text's result is made.
template <typename Write>
void ForwardPass::for_each_text(std::span<const uint32_t> offsets, const Scratch& scratch,
                                const Write& write) const {
  const bool is_one_row = is_of_one_token(spec_.pooled_state());
  const Rows rows = normalized_states(scratch);
  for (size_t text = 0; text + 1 < offsets.size(); ++text) {
    const size_t first = is_one_row ? text : offsets[text];
    const size_t count = is_one_row ? 1 : offsets[text + 1] - offsets[text];
    write(text, rows.row(first), rows.stride, count);
  }
}

void ForwardPass::write_vectors(std::span<const uint32_t> offsets, const Scratch& scratch,
                                const EmbeddingRows& out) const {
  const size_t dimension = spec_.dimension();
  for_each_text(offsets, scratch, [&](size_t text, const float* rows, size_t stride, size_t count) {
    const float norm = pool(spec_, weights_, kernel_, rows, stride, count,
                            out.vectors.subspan(text * dimension, dimension));
    if (!out.norms.empty()) out.norms[text] = norm;
  });
}

}  // namespace runed::embed::native
