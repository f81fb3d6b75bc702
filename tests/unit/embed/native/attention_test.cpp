#include "embed/native/attention.hpp"

#include <cmath>
#include <vector>

#include "embed/native/kernel_choice.hpp"
#include "support/catch.hpp"
#include "support/random_floats.hpp"

using runed::embed::native::Attention;
using runed::embed::native::available_kernels;
using runed::embed::native::Kernel;
using runed::embed::native::LayerWeights;
using runed::embed::native::ModelHeader;
using runed::embed::native::QueryBlock;
using runed::embed::native::RopeTable;
using runed::embed::native::Rows;
using runed::embed::native::ThreadPool;
using runed::test::random_floats;

namespace {

using Doubles = std::vector<double>;

constexpr float kRopeBase = 1e6F;
constexpr float kEpsilon = 1e-6F;

ModelHeader header_of(uint32_t heads, uint32_t kv_heads, uint32_t head_width) {
  ModelHeader header;
  header.heads = heads;
  header.kv_heads = kv_heads;
  header.head_width = head_width;
  header.rope_base = kRopeBase;
  header.rms_epsilon = kEpsilon;
  return header;
}

// A batch of texts with random queries, keys and values.
struct Batch {
  Batch(const ModelHeader& model_header, std::vector<uint32_t> text_lengths)
      : header(model_header), lengths(std::move(text_lengths)) {
    for (const uint32_t length : lengths) {
      for (uint32_t position = 0; position < length; ++position) positions.push_back(position);
    }
    weights.query_norm = random_floats(header.head_width, 2);
    weights.key_norm = random_floats(header.head_width, 2);
    queries = random_floats(positions.size() * query_width());
    keys = random_floats(positions.size() * kv_width());
    values = random_floats(positions.size() * kv_width());
  }

  size_t query_width() const { return size_t{header.heads} * header.head_width; }
  size_t kv_width() const { return size_t{header.kv_heads} * header.head_width; }

  ModelHeader header;
  std::vector<uint32_t> lengths;
  LayerWeights weights;
  std::vector<uint32_t> positions;
  std::vector<float> queries;
  std::vector<float> keys;
  std::vector<float> values;
};

// Runs the attention of the last `asking` tokens of each text, of which there must be as many.
std::vector<float> attend(const Batch& batch, const Kernel& kernel, uint32_t threads,
                          uint32_t asking_at_most) {
  ThreadPool pool(threads);
  const Attention attention(batch.header, kernel, pool);
  RopeTable rope(kRopeBase, batch.header.head_width);
  rope.extend(1000);
  std::vector<QueryBlock> blocks;
  std::vector<float> queries;
  size_t first = 0;
  for (const uint32_t length : batch.lengths) {
    const uint32_t asking = std::min(asking_at_most, length);
    attention.append_blocks(first, queries.size() / batch.query_width(), length - asking, length,
                            blocks);
    const auto from = static_cast<std::ptrdiff_t>((first + length - asking) * batch.query_width());
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
  attention.place_keys(batch.weights, rope, batch.positions, key_rows);
  attention.attend(batch.weights, rope, blocks, query_rows, key_rows, value_rows, scratch);
  return queries;
}

// A head after its norm and its rotation, in double.
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

// The attention of one head of one token, by the definition.
Doubles naive_attention(const Batch& batch, size_t first, size_t position, size_t head) {
  const size_t width = batch.header.head_width;
  const size_t kv_head = head / (batch.header.heads / batch.header.kv_heads);
  const float* query = batch.queries.data() + (first + position) * batch.query_width();
  const Doubles asking = placed(query + head * width, batch.weights.query_norm, position);
  Doubles out(width);
  double sum = 0;
  for (size_t other = 0; other <= position; ++other) {
    const size_t at = (first + other) * batch.kv_width() + kv_head * width;
    const Doubles key = placed(batch.keys.data() + at, batch.weights.key_norm, other);
    double score = 0;
    for (size_t i = 0; i < width; ++i) score += asking[i] * key[i];
    const double weight = std::exp(score / std::sqrt(static_cast<double>(width)));
    sum += weight;
    for (size_t i = 0; i < width; ++i) {
      out[i] += weight * static_cast<double>(batch.values[at + i]);
    }
  }
  for (double& value : out) value /= sum;
  return out;
}

void check_attention(const Batch& batch, const std::vector<float>& found, uint32_t asking_at_most) {
  const size_t width = batch.header.head_width;
  const float* next = found.data();
  size_t first = 0;
  for (const uint32_t length : batch.lengths) {
    for (uint32_t position = length - std::min(asking_at_most, length); position < length;
         ++position) {
      for (size_t head = 0; head < batch.header.heads; ++head, next += width) {
        const Doubles expected = naive_attention(batch, first, position, head);
        double worst = 0;
        for (size_t i = 0; i < width; ++i) {
          worst = std::max(worst, std::abs(static_cast<double>(next[i]) - expected[i]));
        }
        if (!(worst < 2e-5))
          FAIL_CHECK("position " << position << ", head " << head << ": " << worst);
      }
    }
    first += length;
  }
  CHECK(next == found.data() + found.size());
}

}  // namespace

TEST_CASE("attention agrees with its definition, at the edges of key and query blocks") {
  const Batch batch(header_of(4, 2, 16), {1, 2, 63, 64, 65, 129, 3});
  for (const Kernel* kernel : available_kernels()) {
    INFO("kernel " << kernel->name);
    check_attention(batch, attend(batch, *kernel, 2, 1000), 1000);
  }
}

TEST_CASE("attention takes any even head width and any grouping") {
  for (const auto& [heads, kv_heads, width] :
       {std::array<uint32_t, 3>{1, 1, 2}, {3, 1, 80}, {2, 2, 96}, {6, 2, 130}}) {
    const Batch batch(header_of(heads, kv_heads, width), {1, 70, 7});
    for (const Kernel* kernel : available_kernels()) {
      INFO("kernel " << kernel->name << ", " << heads << " heads of " << width);
      check_attention(batch, attend(batch, *kernel, 1, 1000), 1000);
    }
  }
}

TEST_CASE("only the last tokens ask where only they are pooled") {
  const Batch batch(header_of(4, 2, 16), {1, 5, 64, 65, 200});
  for (const Kernel* kernel : available_kernels()) {
    INFO("kernel " << kernel->name);
    check_attention(batch, attend(batch, *kernel, 3, 1), 1);
  }
}
