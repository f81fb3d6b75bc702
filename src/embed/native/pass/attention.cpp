#include "embed/native/pass/attention.hpp"

#include <algorithm>
#include <cmath>

namespace runed::embed::native {
namespace {

constexpr size_t kKeyBlock = kPanelColumns;

// Rows (query tokens times the heads that share keys) of a unit. Packing a block of keys and values
// costs as much as some twenty rows, and the unit's queries and outputs must stay in the L2 cache.
constexpr size_t kUnitRows = 256;

constexpr size_t kRowsPerUnit = 32;  // Of the key placement.
constexpr size_t kLineBytes = 64;

size_t round_up(size_t value, size_t multiple) {
  return (value + multiple - 1) / multiple * multiple;
}

}  // namespace

// What one unit works on: its part of the batch and its thread's scratch.
struct Attention::Unit {
  const QueryBlock& block;
  size_t kv_head;
  Rows queries;         // From the block's first token, the first head of this group.
  Rows keys;            // From the text's first token, this head.
  Rows values;          // As keys.
  size_t rows;          // Tokens of the block times heads of the group.
  InputRows wanted;     // [rows, head_width], placed and scaled queries.
  float* outputs;       // [rows, head_width], before the division by the sums.
  float* maxima;        // [rows]
  float* sums;          // [rows]
  InputRows shares;     // [kTileRows, kKeyBlock], of the keys in each query's attention.
  float* key_panel;     // [panel_floats(head_width)]
  float* value_panels;  // [value_chunks, panel_floats(kKeyBlock)]
};

Attention::Attention(const ModelSpec& spec, const Kernel& kernel, const Gemm& gemm,
                     ThreadPool& pool, std::span<const float> by_bucket)
    : kernel_(kernel),
      gemm_(gemm),
      pool_(pool),
      heads_per_kv_(spec.heads / spec.kv_heads),
      kv_heads_(spec.kv_heads),
      head_width_(spec.head_width),
      epsilon_(spec.norm_epsilon),
      is_causal_(spec.mask == Mask::causal),
      is_rotary_(spec.positions == Positions::rotary),
      has_panels_(is_causal_ || head_width_ % kernel.lanes != 0 || head_width_ > kMostHeadWidth) {
  for (size_t first = 0; first < by_bucket.size(); first += spec.position_buckets) {
    by_head_.push_back(DistanceTable::of_buckets(by_bucket.subspan(first, spec.position_buckets)));
  }
  if (spec.window > 0) window_ = DistanceTable::of_window(spec.window);
}

// No model has both.
const DistanceTable* Attention::table_of(const AttentionLayer& layer, size_t head) const {
  if (layer.is_local) return &*window_;
  return by_head_.empty() ? nullptr : &by_head_[head];
}

size_t Attention::block_tokens() const {
  return std::max<size_t>(1, kUnitRows / heads_per_kv_);
}

size_t Attention::value_chunks() const {
  return (head_width_ + kPanelColumns - 1) / kPanelColumns;
}

void Attention::append_blocks(size_t text_row, size_t query_row, AskingTokens asking,
                              std::vector<QueryBlock>& blocks) const {
  size_t position = asking.position;
  while (position < asking.end) {
    const size_t count = std::min(block_tokens(), asking.end - position);
    blocks.push_back(
        {text_row, query_row, position, count, is_causal_ ? position + count : asking.length});
    query_row += count;
    position += count;
  }
}

Attention::ScratchOffsets Attention::scratch_offsets() const {
  const size_t rows = block_tokens() * heads_per_kv_;
  ScratchOffsets at{};
  const auto take = [&](size_t& offset, size_t bytes) {
    offset = at.end;
    at.end += round_up(bytes, kLineBytes) / sizeof(float);
  };
  take(at.wanted, rows * gemm_.row_bytes(head_width_));
  take(at.outputs, rows * head_width_ * sizeof(float));
  take(at.maxima, rows * sizeof(float));
  take(at.sums, rows * sizeof(float));
  take(at.shares, kTileRows * gemm_.row_bytes(kKeyBlock));
  take(at.key_panel, panel_floats(gemm_, head_width_) * sizeof(float));
  take(at.value_panels, value_chunks() * panel_floats(gemm_, kKeyBlock) * sizeof(float));
  return at;
}

size_t Attention::scratch_floats() const {
  return scratch_offsets().end;
}

Attention::Unit Attention::make_unit(const QueryBlock& block, size_t kv_head, const Rows& queries,
                                     const Rows& keys, const Rows& values, float* scratch) const {
  const size_t column = kv_head * head_width_;
  const auto from = [](const Rows& all, size_t row, size_t first_column) {
    return Rows{all.row(row) + first_column, all.stride, all.count - row};
  };
  const auto input_rows = [&](size_t offset, size_t count, size_t depth) {
    return InputRows{reinterpret_cast<std::byte*>(scratch + offset), gemm_.row_bytes(depth), count};
  };
  const ScratchOffsets at = scratch_offsets();
  const size_t rows = block.count * heads_per_kv_;
  return {.block = block,
          .kv_head = kv_head,
          .queries = from(queries, block.query_row, column * heads_per_kv_),
          .keys = from(keys, block.text_row, column),
          .values = from(values, block.text_row, column),
          .rows = rows,
          .wanted = input_rows(at.wanted, rows, head_width_),
          .outputs = scratch + at.outputs,
          .maxima = scratch + at.maxima,
          .sums = scratch + at.sums,
          .shares = input_rows(at.shares, kTileRows, kKeyBlock),
          .key_panel = scratch + at.key_panel,
          .value_panels = scratch + at.value_panels};
}

void Attention::place_keys(const AttentionLayer& layer, std::span<const uint32_t> positions,
                           const Rows& keys) const {
  if (!layer.weights.key_norm.is_there() && !is_rotary_) return;
  const size_t units = (keys.count + kRowsPerUnit - 1) / kRowsPerUnit;
  pool_.run(units, [&](size_t unit, uint32_t) noexcept {
    const size_t end = std::min(keys.count, (unit + 1) * kRowsPerUnit);
    for (size_t row = unit * kRowsPerUnit; row < end; ++row) {
      const size_t position = positions[row];
      for (size_t head = 0; head < kv_heads_; ++head) {
        float* key = keys.row(row) + head * head_width_;
        place(layer.weights.key_norm, layer.rope, position, key, key);
      }
    }
  });
}

void Attention::attend(const AttentionLayer& layer, std::span<const QueryBlock> blocks,
                       const Rows& queries, const Rows& keys, const Rows& values,
                       const PreparedRows& prepared, std::span<float> scratch) const {
  const size_t scratch_stride = scratch.size() / pool_.threads();
  pool_.run(blocks.size() * kv_heads_, [&](size_t index, uint32_t thread) noexcept {
    // The last blocks of a text look at the most keys: the longest units come first.
    const QueryBlock& block = blocks[blocks.size() - 1 - index / kv_heads_];
    const Unit unit = make_unit(block, index % kv_heads_, queries, keys, values,
                                scratch.data() + thread * scratch_stride);
    if (has_panels_) return attend_by_panels(layer, unit, prepared);
    attend_without_mask(layer, unit, prepared);
  });
}

// `to` may be `from`.
void Attention::place(const NormWeights& norm, const RopeTable& rope, size_t position,
                      const float* from, float* to) const {
  if (norm.is_there()) {
    kernel_.rms_norm(from, norm.weight.data(), head_width_, epsilon_, to);
  } else if (to != from) {
    std::copy_n(from, head_width_, to);
  }
  if (is_rotary_) kernel_.rotate(to, rope.cosines(position), rope.sines(position), head_width_ / 2);
}

void Attention::attend_by_panels(const AttentionLayer& layer, const Unit& unit,
                                 const PreparedRows& prepared) const {
  gather_queries(layer, unit);
  const QueryBlock& block = unit.block;
  size_t first = 0;
  size_t end = block.key_end;
  if (layer.is_local) {
    const size_t reach = window_->view().reach;
    first = block.position - std::min(block.position, reach);
    end = std::min(end, block.position + block.count + reach);
  }
  for (; first < end; first += kKeyBlock) {
    const size_t count = std::min(kKeyBlock, end - first);
    pack_keys(unit, first, count);
    attend_to_keys(layer, unit, first, count);
  }
  scatter_outputs(unit, prepared);
}

void Attention::attend_without_mask(const AttentionLayer& layer, const Unit& unit,
                                    const PreparedRows& prepared) const {
  for (size_t head = 0; head < heads_per_kv_; ++head) {
    float* const queries = unit.queries.data + head * head_width_;
    const size_t stride = unit.queries.stride;
    for (size_t token = 0; token < unit.block.count; ++token) {
      float* const query = queries + token * stride;
      place(layer.weights.query_norm, layer.rope, unit.block.position + token, query, query);
    }
    const DistanceTable* const table = table_of(layer, unit.kv_head * heads_per_kv_ + head);
    kernel_.attend({.queries = queries,
                    .query_stride = stride,
                    .query_count = unit.block.count,
                    .keys = unit.keys.data,
                    .values = unit.values.data,
                    .key_stride = unit.keys.stride,
                    .key_count = unit.block.key_end,
                    .width = head_width_,
                    .scale = 1 / std::sqrt(static_cast<float>(head_width_)),
                    .position = unit.block.position,
                    .addends = table == nullptr ? ByDistance() : table->view(),
                    .out = queries,
                    .out_stride = stride});
    if (prepared.gemm == nullptr) continue;
    const size_t column = (unit.kv_head * heads_per_kv_ + head) * head_width_;
    for (size_t token = 0; token < unit.block.count; ++token) {
      prepared.put(unit.block.query_row + token, column, queries + token * stride, head_width_);
    }
  }
}

void Attention::gather_queries(const AttentionLayer& layer, const Unit& unit) const {
  const float scale = 1 / std::sqrt(static_cast<float>(head_width_));
  float* const placed = unit.outputs;  // Not in use yet.
  for (size_t row = 0; row < unit.rows; ++row) {
    const size_t token = row / heads_per_kv_;
    const float* query = unit.queries.row(token) + row % heads_per_kv_ * head_width_;
    float* to = gemm_.prepare == nullptr ? reinterpret_cast<float*>(unit.wanted.row(row)) : placed;
    place(layer.weights.query_norm, layer.rope, unit.block.position + token, query, to);
    kernel_.scale(to, scale, head_width_, to);
    if (gemm_.prepare != nullptr) gemm_.prepare(placed, head_width_, unit.wanted.row(row));
  }
  std::fill_n(unit.outputs, unit.rows * head_width_, 0.0F);
  std::fill_n(unit.maxima, unit.rows, kLeastScore);
  std::fill_n(unit.sums, unit.rows, 0.0F);
}

void Attention::pack_keys(const Unit& unit, size_t first_key, size_t key_count) const {
  // What lies in columns that are not packed is multiplied, too: numbers that happen to be
  // subnormal there would take a hundred times as long.
  if (key_count + kPackColumns <= kKeyBlock) {
    std::fill_n(unit.key_panel, panel_floats(gemm_, head_width_), 0.0F);
  }
  const auto* keys = reinterpret_cast<const std::byte*>(unit.keys.row(first_key));
  gemm_.pack({TensorType::f32, keys, unit.keys.stride * sizeof(float), key_count}, head_width_, 0,
             unit.key_panel, {});
  for (size_t chunk = 0; chunk < value_chunks(); ++chunk) {
    const size_t column = chunk * kPanelColumns;
    gemm_.pack_as_rows(unit.values.row(first_key) + column, unit.values.stride, key_count,
                       std::min(kPanelColumns, head_width_ - column),
                       unit.value_panels + chunk * panel_floats(gemm_, kKeyBlock));
  }
}

void Attention::add_by_distance(const AttentionLayer& layer, const Unit& unit, size_t row,
                                size_t first_key, size_t key_count, float* scores) const {
  const size_t head = unit.kv_head * heads_per_kv_ + row % heads_per_kv_;
  const DistanceTable* const table = table_of(layer, head);
  if (table == nullptr) return;
  const auto position = static_cast<ptrdiff_t>(unit.block.position + row / heads_per_kv_);
  for (size_t key = 0; key < key_count; ++key) {
    scores[key] += table->at(position - static_cast<ptrdiff_t>(first_key + key));
  }
}

void Attention::attend_to_keys(const AttentionLayer& layer, const Unit& unit, size_t first_key,
                               size_t key_count) const {
  // Under a causal mask rows before the first key do not see it.
  const size_t position = unit.block.position;
  size_t row = is_causal_ && first_key > position ? (first_key - position) * heads_per_kv_ : 0;
  alignas(64) float tile[kTileRows * kPanelColumns];
  for (; row < unit.rows; row += kTileRows) {
    const size_t row_count = std::min(kTileRows, unit.rows - row);
    gemm_.multiply(unit.key_panel, head_width_, unit.wanted.row(row), unit.wanted.stride, row_count,
                   tile, {});
    float factors[kTileRows];
    for (size_t i = 0; i < row_count; ++i) {
      float* scores = tile + i * kPanelColumns;
      const size_t end = is_causal_ ? position + (row + i) / heads_per_kv_ + 1 : unit.block.key_end;
      const size_t seen = std::min(key_count, end - first_key);
      add_by_distance(layer, unit, row + i, first_key, seen, scores);
      factors[i] = kernel_.softmax_step(scores, seen, unit.maxima[row + i], unit.sums[row + i]);
      std::fill(scores + seen, scores + key_count, 0.0F);
      if (gemm_.prepare != nullptr) gemm_.prepare(scores, key_count, unit.shares.row(i));
    }
    add_values(unit, row, row_count, tile, factors, key_count);
  }
}

void Attention::add_values(const Unit& unit, size_t row, size_t row_count, const float* tile,
                           const float* factors, size_t key_count) const {
  alignas(64) float weighted[kTileRows * kPanelColumns];
  const bool is_prepared = gemm_.prepare != nullptr;
  const void* shares = is_prepared ? static_cast<const void*>(unit.shares.data) : tile;
  const size_t stride = is_prepared ? unit.shares.stride : kPanelColumns * sizeof(float);
  for (size_t chunk = 0; chunk < value_chunks(); ++chunk) {
    gemm_.multiply(unit.value_panels + chunk * panel_floats(gemm_, kKeyBlock), key_count, shares,
                   stride, row_count, weighted, {});
    const size_t column = chunk * kPanelColumns;
    const size_t columns = std::min(kPanelColumns, head_width_ - column);
    for (size_t i = 0; i < row_count; ++i) {
      kernel_.scale_and_add(unit.outputs + (row + i) * head_width_ + column, factors[i],
                            weighted + i * kPanelColumns, columns);
    }
  }
}

void Attention::scatter_outputs(const Unit& unit, const PreparedRows& prepared) const {
  for (size_t row = 0; row < unit.rows; ++row) {
    const size_t token = row / heads_per_kv_;
    const size_t head = row % heads_per_kv_;
    float* from = unit.outputs + row * head_width_;
    const float scale = 1 / unit.sums[row];
    if (prepared.gemm == nullptr) {
      kernel_.scale(from, scale, head_width_, unit.queries.row(token) + head * head_width_);
    } else {
      kernel_.scale(from, scale, head_width_, from);
      const size_t column = (unit.kv_head * heads_per_kv_ + head) * head_width_;
      prepared.put(unit.block.query_row + token, column, from, head_width_);
    }
  }
}

}  // namespace runed::embed::native
