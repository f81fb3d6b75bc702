#include "embed/native/pass/attention.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "embed/native/isa/kernel_choice.hpp"
#include "support/catch.hpp"
#include "support/gemm_reference.hpp"
#include "support/random_floats.hpp"

using runed::embed::Mask;
using runed::embed::ModelSpec;
using runed::embed::Positions;
using runed::embed::TensorType;
using runed::embed::native::Attention;
using runed::embed::native::AttentionLayer;
using runed::embed::native::available_kernels;
using runed::embed::native::Gemm;
using runed::embed::native::Kernel;
using runed::embed::native::LayerWeights;
using runed::embed::native::name_of;
using runed::embed::native::NumberFormat;
using runed::embed::native::PreparedRows;
using runed::embed::native::QueryBlock;
using runed::embed::native::RopeTable;
using runed::embed::native::Rows;
using runed::embed::native::ThreadPool;
using runed::test::find_gemm;
using runed::test::random_floats;

namespace {

using Doubles = std::vector<double>;

// How far a format may round a factor: by so much of itself, and of the greatest that it is with.
struct Rounding {
  double of_itself;
  double of_greatest;
};

Rounding rounding_of(NumberFormat format) {
  if (format == NumberFormat::bf16) return {0x1p-8, 0};
  if (format == NumberFormat::int16) return {0, 0.5 / 5792};
  return {0, 0};
}

constexpr float kRopeBase = 1e6F;
constexpr float kEpsilon = 1e-6F;

ModelSpec spec_of(uint32_t heads, uint32_t kv_heads, uint32_t head_width) {
  ModelSpec spec;
  spec.heads = heads;
  spec.kv_heads = kv_heads;
  spec.head_width = head_width;
  spec.rope_base = kRopeBase;
  spec.norm_epsilon = kEpsilon;
  return spec;
}

// As encoders have it: every token sees all others, and its place is in the token itself.
ModelSpec unmasked(ModelSpec spec) {
  spec.mask = Mask::none;
  spec.positions = Positions::learned;
  return spec;
}

// A head after its norm and its rotation, in double; as it is where there is no norm.
Doubles placed(const float* head, const std::vector<float>& norm, size_t position) {
  const size_t width = norm.size();
  double squares = 0;
  for (size_t i = 0; i < width; ++i) squares += std::pow(static_cast<double>(head[i]), 2);
  const double scale =
      1 / std::sqrt(squares / static_cast<double>(width) + static_cast<double>(kEpsilon));
  Doubles normed(width);
  for (size_t i = 0; i < width; ++i) {
    normed[i] = static_cast<double>(head[i]) * scale * static_cast<double>(norm[i]);
  }
  Doubles out(width);
  for (size_t i = 0; i < width / 2; ++i) {
    const double angle = static_cast<double>(position) *
                         std::pow(static_cast<double>(kRopeBase),
                                  -2.0 * static_cast<double>(i) / static_cast<double>(width));
    out[i] = normed[i] * std::cos(angle) - normed[width / 2 + i] * std::sin(angle);
    out[width / 2 + i] = normed[width / 2 + i] * std::cos(angle) + normed[i] * std::sin(angle);
  }
  return out;
}

// A batch of texts with random queries, keys and values.
struct Batch {
  Batch(const ModelSpec& model_spec, std::vector<uint32_t> text_lengths)
      : spec(model_spec), lengths(std::move(text_lengths)) {
    for (const uint32_t length : lengths) {
      for (uint32_t position = 0; position < length; ++position) positions.push_back(position);
    }
    if (spec.positions == Positions::rotary) {
      weights.query_norm.weight = random_floats(spec.head_width, 2);
      weights.key_norm.weight = random_floats(spec.head_width, 2);
    }
    by_bucket = random_floats(size_t{spec.heads} * spec.position_buckets);
    queries = random_floats(positions.size() * query_width());
    keys = random_floats(positions.size() * kv_width());
    values = random_floats(positions.size() * kv_width());
    for (size_t at = 0; at < keys.size(); at += spec.head_width) {
      const uint32_t position = positions[at / kv_width()];
      placed_keys.push_back(place(keys.data() + at, weights.key_norm.weight, position));
    }
  }

  Doubles place(const float* head, const std::vector<float>& norm, size_t position) const {
    if (norm.empty()) return {head, head + spec.head_width};
    return placed(head, norm, position);
  }

  size_t query_width() const { return size_t{spec.heads} * spec.head_width; }
  size_t kv_width() const { return size_t{spec.kv_heads} * spec.head_width; }

  ModelSpec spec;
  std::vector<uint32_t> lengths;
  LayerWeights weights;
  std::vector<uint32_t> positions;
  std::vector<float> queries;
  std::vector<float> keys;
  std::vector<float> values;
  std::vector<float> by_bucket;      // [heads, position_buckets]
  std::vector<Doubles> placed_keys;  // [n_tokens * kv_heads], for the definition.
};

// Runs the attention of the last `wanted` tokens of each text, of which there must be as many.
std::vector<float> attend(const Batch& batch, const Kernel& kernel, const Gemm& gemm,
                          uint32_t threads, uint32_t asking_at_most,
                          const PreparedRows& prepared = {}) {
  ThreadPool pool(threads);
  const Attention attention(batch.spec, kernel, gemm, pool, batch.by_bucket);
  RopeTable rope(kRopeBase, batch.spec.head_width);
  rope.extend(1000);
  std::vector<QueryBlock> blocks;
  std::vector<float> queries;
  size_t first = 0;
  for (const uint32_t length : batch.lengths) {
    const uint32_t wanted = std::min(asking_at_most, length);
    attention.append_blocks(first, queries.size() / batch.query_width(),
                            {length - wanted, length, length}, blocks);
    const auto from = static_cast<std::ptrdiff_t>((first + length - wanted) * batch.query_width());
    const auto end = static_cast<std::ptrdiff_t>((first + length) * batch.query_width());
    queries.insert(queries.end(), batch.queries.begin() + from, batch.queries.begin() + end);
    first += length;
  }
  std::vector<float> keys = batch.keys;
  std::vector<float> values = batch.values;
  const Rows query_rows{queries.data(), batch.query_width(), queries.size() / batch.query_width()};
  const Rows key_rows{keys.data(), batch.kv_width(), batch.positions.size()};
  const Rows value_rows{values.data(), batch.kv_width(), batch.positions.size()};
  std::vector<float> scratch(threads * attention.scratch_floats());
  const AttentionLayer layer{batch.weights, rope, batch.spec.window > 0};
  attention.place_keys(layer, batch.positions, key_rows);
  attention.attend(layer, blocks, query_rows, key_rows, value_rows, prepared,
                   scratch);
  return queries;
}

double greatest(const Doubles& values) {
  double found = 0;
  for (const double value : values) found = std::max(found, std::abs(value));
  return found;
}

// How far roundings may move a score.
double score_slack(const Doubles& query, const Doubles& key, const Rounding& rounding) {
  const double least_of_query = rounding.of_greatest * greatest(query);
  const double least_of_key = rounding.of_greatest * greatest(key);
  double slack = 0;
  for (size_t i = 0; i < query.size(); ++i) {
    const double of_query = rounding.of_itself * std::abs(query[i]) + least_of_query;
    const double of_key = rounding.of_itself * std::abs(key[i]) + least_of_key;
    slack += of_query * std::abs(key[i]) + of_key * std::abs(query[i]) + of_query * of_key;
  }
  return slack / std::sqrt(static_cast<double>(query.size()));
}

struct Attended {
  Doubles values;
  double tolerance;
};

// What is added to a score, in 32 buckets: a distance below 8 has its own, those beyond widen up to 128.
double addend_of(const Batch& batch, size_t head, size_t position, size_t other) {
  if (batch.by_bucket.empty()) return 0;
  const size_t away = position > other ? position - other : other - position;
  size_t bucket = away;
  if (away >= 8) {
    const double wider = std::floor(std::log(static_cast<double>(away) / 8) / std::log(16.0) * 8);
    bucket = std::min<size_t>(8 + static_cast<size_t>(wider), 15);
  }
  if (other > position) bucket += 16;
  return static_cast<double>(batch.by_bucket[head * 32 + bucket]);
}

bool is_seen(const ModelSpec& spec, size_t position, size_t other) {
  if (spec.mask == Mask::causal && other > position) return false;
  const size_t away = position > other ? position - other : other - position;
  return spec.window == 0 || away <= spec.window;
}

// The attention of one head of one token, by the definition. Scores that are off by at most `slack`
// change shares by a factor of at most exp(2 slack); shares are of numbers up to one, of which the
// greatest of a block is one at most; and so are the values.
Attended naive_attention(const Batch& batch, size_t first, size_t position, size_t length,
                         size_t head, const Rounding& rounding) {
  const size_t width = batch.spec.head_width;
  const size_t kv_head = head / (batch.spec.heads / batch.spec.kv_heads);
  const float* query = batch.queries.data() + (first + position) * batch.query_width();
  const Doubles wanted =
      batch.place(query + head * width, batch.weights.query_norm.weight, position);
  std::vector<size_t> seen;
  for (size_t other = 0; other < length; ++other) {
    if (is_seen(batch.spec, position, other)) seen.push_back(other);
  }
  Doubles scores;
  double slack = 0;
  for (const size_t other : seen) {
    const Doubles& key = batch.placed_keys[(first + other) * batch.spec.kv_heads + kv_head];
    double score = 0;
    for (size_t i = 0; i < width; ++i) score += wanted[i] * key[i];
    scores.push_back(score / std::sqrt(static_cast<double>(width)) +
                     addend_of(batch, head, position, other));
    slack = std::max(slack, score_slack(wanted, key, rounding));
  }
  const double maximum = *std::max_element(scores.begin(), scores.end());
  double sum = 0;
  Doubles out(width);
  for (size_t i = 0; i < seen.size(); ++i) {
    const size_t at = (first + seen[i]) * batch.kv_width() + kv_head * width;
    const double share = std::exp(scores[i] - maximum);
    sum += share;
    for (size_t feature = 0; feature < width; ++feature) {
      out[feature] += share * static_cast<double>(batch.values[at + feature]);
    }
  }
  for (double& value : out) value /= sum;
  const auto keys = static_cast<double>(seen.size());
  const double of_shares = rounding.of_itself + rounding.of_greatest * keys / sum;
  const double of_values = rounding.of_itself + rounding.of_greatest;
  return {out, 2e-5 + std::exp(2 * slack) * (1 + of_shares) * (1 + of_values) - 1};
}

void check_attention(const Batch& batch, const std::vector<float>& found, uint32_t asking_at_most,
                     const Rounding& rounding) {
  const size_t width = batch.spec.head_width;
  const float* next = found.data();
  size_t first = 0;
  for (const uint32_t length : batch.lengths) {
    for (uint32_t position = length - std::min(asking_at_most, length); position < length;
         ++position) {
      for (size_t head = 0; head < batch.spec.heads; ++head, next += width) {
        const Attended expected = naive_attention(batch, first, position, length, head, rounding);
        double worst = 0;
        for (size_t i = 0; i < width; ++i) {
          worst = std::max(worst, std::abs(static_cast<double>(next[i]) - expected.values[i]));
        }
        if (!(worst < expected.tolerance))
          FAIL_CHECK("position " << position << ", head " << head << ": " << worst << ", not "
                                 << expected.tolerance);
      }
    }
    first += length;
  }
  CHECK(next == found.data() + found.size());
}

// In every format of every kernel.
void check_formats(const Batch& batch, uint32_t threads, uint32_t asking_at_most) {
  for (const Kernel* kernel : available_kernels()) {
    for (const NumberFormat format : {NumberFormat::f32, NumberFormat::bf16, NumberFormat::int16}) {
      const Gemm* gemm = find_gemm(*kernel, format, TensorType::f32);
      if (gemm == nullptr) continue;
      INFO("kernel " << kernel->name << ", " << name_of(format) << ", heads of "
                     << batch.spec.head_width);
      check_attention(batch, attend(batch, *kernel, *gemm, threads, asking_at_most), asking_at_most,
                      rounding_of(format));
    }
  }
}

// Attention into rows that are prepared for a later product, and what preparing its output would be.
void check_prepared(const Batch& batch, const Kernel& kernel, const Gemm& gemm, const Gemm& later,
                    uint32_t asking_at_most) {
  constexpr std::byte kGuard{0xA5};
  const size_t width = batch.query_width();
  const std::vector<float> plain = attend(batch, kernel, gemm, 2, asking_at_most);
  const size_t count = plain.size() / width;
  const size_t stride = later.row_bytes(width) + 3;
  std::vector<std::byte> found(count * stride, kGuard);
  std::vector<std::byte> expected = found;
  attend(batch, kernel, gemm, 2, asking_at_most, {&later, {found.data(), stride, count}});
  for (size_t row = 0; row < count; ++row) {
    later.prepare(plain.data() + row * width, width, expected.data() + row * stride);
  }
  CHECK(found == expected);
}

}  // namespace

TEST_CASE("attention agrees with its definition, at the edges of key and query blocks") {
  check_formats(Batch(spec_of(4, 2, 16), {1, 2, 63, 64, 65, 129, 3}), 2, 1000);
}

TEST_CASE(
    "attention without a mask agrees with its definition, at the edges of vectors and blocks") {
  // Of heads that every vector divides, and that some do not.
  for (const uint32_t width : {32, 64, 256, 8, 20}) {
    const ModelSpec spec = unmasked(spec_of(4, 2, width));
    check_formats(Batch(spec, {1, 2, 15, 16, 17, 31, 33, 63, 64, 65, 129}), 2, 1000);
    check_formats(Batch(spec, {300, 3}), 1, 1);
  }
}

TEST_CASE("attention within a window agrees with its definition, whatever else the text has") {
  for (const uint32_t width : {32, 8}) {
    ModelSpec spec = unmasked(spec_of(4, 2, width));
    for (const uint32_t window : {1, 8, 64, 100}) {
      spec.window = window;
      check_formats(Batch(spec, {1, 2, window, window + 1, window + 2, 2 * window + 3, 300}), 2, 1000);
    }
  }
}

TEST_CASE("what attention adds by distance is that of the distance's bucket") {
  for (const uint32_t width : {32, 8}) {
    ModelSpec spec = unmasked(spec_of(4, 2, width));
    spec.position_buckets = 32;
    check_formats(Batch(spec, {1, 2, 8, 9, 17, 127, 128, 129, 300}), 2, 1000);
    check_formats(Batch(spec, {140}), 1, 1);
  }
}

TEST_CASE("attention takes any even head width and any grouping") {
  for (const auto& [heads, kv_heads, width] :
       {std::array<uint32_t, 3>{1, 1, 2}, {3, 1, 80}, {2, 2, 96}, {6, 2, 130}}) {
    check_formats(Batch(spec_of(heads, kv_heads, width), {1, 70, 7}), 1, 1000);
  }
}

TEST_CASE("only the last tokens ask where only they are pooled") {
  check_formats(Batch(spec_of(4, 2, 16), {1, 5, 64, 65, 200}), 3, 1);
}

TEST_CASE("attention into rows of a later product equals preparing its output") {
  for (const ModelSpec& spec :
       {spec_of(6, 2, 32), spec_of(6, 2, 64), spec_of(6, 2, 128), unmasked(spec_of(6, 2, 64))}) {
    const uint32_t width = spec.head_width;
    const Batch batch(spec, {1, 7, 65});
    for (const Kernel* kernel : available_kernels()) {
      for (const NumberFormat format :
           {NumberFormat::f32, NumberFormat::bf16, NumberFormat::int16}) {
        const Gemm* gemm = find_gemm(*kernel, format, TensorType::f32);
        for (const NumberFormat for_later :
             {NumberFormat::bf16, NumberFormat::int16, NumberFormat::int8}) {
          const Gemm* later = find_gemm(*kernel, for_later, TensorType::q8_0);
          if (gemm == nullptr || later == nullptr) continue;
          if (!PreparedRows::can_take(*later, width)) continue;
          INFO("kernel " << kernel->name << ", " << name_of(format) << " for " << name_of(for_later)
                         << ", heads of " << width);
          check_prepared(batch, *kernel, *gemm, *later, 1000);
          check_prepared(batch, *kernel, *gemm, *later, 1);
        }
      }
    }
  }
}
