#include "embed/native/pass/forward_pass.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <type_traits>

#include "embed/native/gemm/gemm_choice.hpp"

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

// Rows that take the input of a product part by part, where its format can.
PreparedRows take_prepared(const Matrix& weights, size_t part, const InputRows& rows) {
  if (!PreparedRows::can_take(*weights.gemm, part)) return {};
  return {weights.gemm, rows};
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
      attention_(spec, kernel, attention_gemm(kernel, compute), pool),
      rope_(spec.rope_base, spec.head_width) {
  const auto raise = [](size_t& size, size_t to) { size = std::max(size, to); };
  for (const LayerWeights& layer : weights.layers) {
    raise(sizes_.normed, layer.query.gemm->row_bytes(spec.width));
    raise(sizes_.normed, layer.gate.gemm->row_bytes(spec.width));
    raise(sizes_.attended, prepared_bytes(layer.output));
    raise(sizes_.activated, prepared_bytes(layer.down));
    if (!PreparedRows::can_take(*layer.down.gemm, kSwigluPart)) sizes_.has_ff = true;
    for (const Matrix* matrix : {&layer.query, &layer.key, &layer.value, &layer.output, &layer.gate,
                                 &layer.up, &layer.down}) {
      raise(sizes_.panel, panel_floats(*matrix->gemm, matrix->columns));
    }
  }
}

void ForwardPass::run(const PackedBatch& batch, const EmbeddingRows& out) {
  if (times_ != nullptr) times_->begin();
  const size_t texts = batch.offsets.size() - 1;
  const Layout layout = lay_out_texts(batch.offsets);
  const Scratch scratch = lay_out_scratch(batch.ids.size(), texts);
  rope_.extend(*std::ranges::max_element(layout.positions) + size_t{1});

  look_up(batch.ids, scratch.hidden);
  end(Phase::look_up);
  for (const LayerWeights& layer : weights_.layers) {
    normalize(scratch.hidden, layer.attention_norm, *layer.query.gemm, scratch, scratch.normed);
    end(Phase::norm);
    const WantedRows everyone{layout.all_blocks, scratch.hidden, scratch.normed, scratch.queries};
    const bool is_last = &layer == &weights_.layers.back();
    run_layer(layer, layout, is_last ? gather_last(layout, scratch) : everyone, scratch);
  }
  write_vectors(scratch.last, out);
  end(Phase::finish);
  if (batch.ids.size() > kTokensToKeep) arena_.release();
}

ForwardPass::Layout ForwardPass::lay_out_texts(std::span<const uint32_t> offsets) const {
  Layout layout;
  for (size_t text = 0; text + 1 < offsets.size(); ++text) {
    const uint32_t first = offsets[text];
    const uint32_t count = offsets[text + 1] - first;
    for (uint32_t position = 0; position < count; ++position) layout.positions.push_back(position);
    layout.last_rows.push_back(first + count - 1);
    attention_.append_blocks(first, first, 0, count, layout.all_blocks);
    attention_.append_blocks(first, text, count - 1, count, layout.last_blocks);
  }
  return layout;
}

ForwardPass::Scratch ForwardPass::lay_out_scratch(size_t tokens, size_t texts) {
  const size_t query_width = size_t{spec_.heads} * spec_.head_width;
  const size_t kv_width = size_t{spec_.kv_heads} * spec_.head_width;
  return arena_.lay_out([&](Arena& arena) {
    Scratch scratch;
    scratch.hidden = take_rows(arena, tokens, spec_.width);
    scratch.normed = take_input_rows(arena, tokens, sizes_.normed);
    scratch.last = take_rows(arena, texts, spec_.width);
    scratch.last_normed = take_input_rows(arena, texts, sizes_.normed);
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

void ForwardPass::look_up(std::span<const TokenId> ids, const Rows& hidden) const {
  for_each_row(pool_, ids.size(), [&](size_t row, uint32_t) noexcept {
    const Matrix& embedding = weights_.embedding;
    kernel_.dequantize(embedding.type, embedding.row(ids[row]), spec_.width, hidden.row(row));
  });
}

ForwardPass::WantedRows ForwardPass::gather_last(const Layout& layout,
                                                 const Scratch& scratch) const {
  const size_t texts = scratch.last.count;
  for (size_t text = 0; text < texts; ++text) {
    const size_t row = layout.last_rows[text];
    std::copy_n(scratch.hidden.row(row), spec_.width, scratch.last.row(text));
    std::copy_n(scratch.normed.row(row), sizes_.normed, scratch.last_normed.row(text));
  }
  return {layout.last_blocks, scratch.last, scratch.last_normed,
          first_rows(scratch.queries, texts)};
}

void ForwardPass::run_layer(const LayerWeights& layer, const Layout& layout,
                            const WantedRows& wanted, const Scratch& scratch) const {
  const std::array products{
      MatrixProduct{.weights = &layer.query, .in = wanted.normed, .out = wanted.queries},
      MatrixProduct{.weights = &layer.key, .in = scratch.normed, .out = scratch.keys},
      MatrixProduct{.weights = &layer.value, .in = scratch.normed, .out = scratch.values}};
  multiply(products, kernel_, pool_, scratch.panels);
  end(Phase::qkv);
  attention_.place_keys(layer, rope_, layout.positions, scratch.keys);
  end(Phase::keys);
  const Rows& queries = wanted.queries;
  const PreparedRows attended = take_prepared(layer.output, spec_.head_width, scratch.attended);
  attention_.attend(layer, rope_, wanted.blocks, queries, scratch.keys, scratch.values, attended,
                    scratch.attention);
  end(Phase::attention);
  const InputRows output_in = attended.gemm != nullptr
                                  ? first_rows(attended.rows, queries.count)
                                  : prepare(queries, layer.output, scratch.attended);
  end(Phase::prepare);
  const MatrixProduct output{
      .weights = &layer.output, .in = output_in, .out = wanted.hidden, .epilogue = Epilogue::add};
  multiply({&output, 1}, kernel_, pool_, scratch.panels);
  end(Phase::output);
  feed_forward(layer, wanted, scratch);
}

void ForwardPass::feed_forward(const LayerWeights& layer, const WantedRows& wanted,
                               const Scratch& scratch) const {
  normalize(wanted.hidden, layer.ff_norm, *layer.gate.gemm, scratch, wanted.normed);
  end(Phase::norm);
  const Rows ff = first_rows(scratch.ff, wanted.hidden.count);
  const PreparedRows activated = take_prepared(layer.down, kSwigluPart, scratch.activated);
  const MatrixProduct wide{.weights = &layer.gate,
                           .up = &layer.up,
                           .in = wanted.normed,
                           .out = ff,
                           .epilogue = Epilogue::swiglu,
                           .prepared = activated};
  multiply({&wide, 1}, kernel_, pool_, scratch.panels);
  end(Phase::gate_up);
  const InputRows narrow_in = activated.gemm != nullptr
                                  ? first_rows(activated.rows, ff.count)
                                  : prepare(ff, layer.down, scratch.activated);
  end(Phase::prepare);
  const MatrixProduct narrow{
      .weights = &layer.down, .in = narrow_in, .out = wanted.hidden, .epilogue = Epilogue::add};
  multiply({&narrow, 1}, kernel_, pool_, scratch.panels);
  end(Phase::down);
}

void ForwardPass::normalize(const Rows& in, const std::vector<float>& weight, const Gemm& gemm,
                            const Scratch& scratch, const InputRows& out) const {
  const auto normalize_to = [&](size_t row, float* to) {
    kernel_.rms_norm(in.row(row), weight.data(), spec_.width, spec_.norm_epsilon, to);
  };
  for_each_row(pool_, in.count, [&](size_t row, uint32_t thread) noexcept {
    if (gemm.prepare == nullptr) {
      normalize_to(row, reinterpret_cast<float*>(out.row(row)));
    } else {
      normalize_to(row, scratch.rows.row(thread));
      gemm.prepare(scratch.rows.row(thread), spec_.width, out.row(row));
    }
  });
}

// Where f32 rows are multiplied as they are, they are returned themselves.
InputRows ForwardPass::prepare(const Rows& in, const Matrix& weights, const InputRows& out) const {
  if (weights.gemm->prepare == nullptr) {
    return {reinterpret_cast<std::byte*>(in.data), in.stride * sizeof(float), in.count};
  }
  for_each_row(pool_, in.count, [&](size_t row, uint32_t) noexcept {
    weights.gemm->prepare(in.row(row), weights.columns, out.row(row));
  });
  return {out.data, out.stride, in.count};
}

void ForwardPass::write_vectors(const Rows& last, const EmbeddingRows& out) const {
  for (size_t text = 0; text < last.count; ++text) {
    kernel_.rms_norm(last.row(text), weights_.output_norm.data(), spec_.width, spec_.norm_epsilon,
                     last.row(text));
    const std::span<const float> from(last.row(text), spec_.width);
    double squares = 0;
    for (const float value : from)
      squares += static_cast<double>(value) * static_cast<double>(value);
    const double norm = std::sqrt(squares);
    const double scale = 1 / norm;
    if (!out.norms.empty()) out.norms[text] = static_cast<float>(norm);
    float* to = out.vectors.data() + text * spec_.width;
    for (const float value : from) *to++ = static_cast<float>(static_cast<double>(value) * scale);
  }
}

}  // namespace runed::embed::native
