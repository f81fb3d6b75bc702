#include "embed/native/pass/static_pass.hpp"

#include <algorithm>
#include <cmath>

namespace runed::embed::native {
namespace {

// Rows that are added up in f32 before they go into the sum in double, which is so much slower that
// it would be most of the time.
constexpr size_t kRowsOfASum = 32;

// A pass of fewer tokens is over before a second thread has woken up.
constexpr size_t kFewTokens = 1024;

// Rows lie anywhere in a table that no cache holds, so that they are asked for some rows before.
constexpr size_t kRowsAhead = 4;
constexpr size_t kCacheLine = 64;

void prefetch(const Matrix& table, TokenId id) {
  const std::byte* const row = table.row(id);
  for (size_t offset = 0; offset < table.row_bytes; offset += kCacheLine) {
    __builtin_prefetch(row + offset);
  }
}

}  // namespace

StaticPass::StaticPass(const ModelSpec& spec, const Weights& weights, const Kernel& kernel,
                       ThreadPool& pool)
    : spec_(spec),
      weights_(weights),
      kernel_(kernel),
      pool_(pool),
      rows_(size_t{2} * pool.threads() * spec.width),
      sums_(size_t{pool.threads()} * spec.width) {}

void StaticPass::run(const PackedBatch& batch, const EmbeddingRows& out) {
  const auto work = [&](size_t text, uint32_t thread) noexcept {
    const uint32_t first = batch.offsets[text];
    write_vector(batch.ids.subspan(first, batch.offsets[text + 1] - first), thread,
                 out.vectors.subspan(text * spec_.width, spec_.width),
                 out.norms.empty() ? nullptr : &out.norms[text]);
  };
  const size_t texts = batch.offsets.size() - 1;
  if (batch.ids.size() >= kFewTokens) return pool_.run(texts, work);
  for (size_t text = 0; text < texts; ++text) work(text, 0);
}

void StaticPass::write_vector(std::span<const TokenId> ids, uint32_t thread, std::span<float> out,
                              float* norm) {
  const size_t width = spec_.width;
  const Matrix& table = weights_.embedding;
  float* const row = rows_.data() + 2 * thread * width;
  float* const some = row + width;
  double* const sum = sums_.data() + thread * width;
  std::fill_n(sum, width, 0);
  for (size_t begin = 0; begin < ids.size(); begin += kRowsOfASum) {
    const size_t end = std::min(begin + kRowsOfASum, ids.size());
    kernel_.dequantize(table.type, table.row(ids[begin]), width, some);
    for (size_t i = begin + 1; i < end; ++i) {
      if (i + kRowsAhead < ids.size()) prefetch(table, ids[i + kRowsAhead]);
      kernel_.dequantize(table.type, table.row(ids[i]), width, row);
      kernel_.scale_and_add(some, 1, row, width);
    }
    for (size_t i = 0; i < width; ++i) sum[i] += static_cast<double>(some[i]);
  }
  double squares = 0;
  for (size_t i = 0; i < width; ++i) squares += sum[i] * sum[i];
  const double length = std::sqrt(squares);
  for (size_t i = 0; i < width; ++i) out[i] = static_cast<float>(sum[i] / length);
  if (norm != nullptr) *norm = static_cast<float>(length / static_cast<double>(ids.size()));
}

}  // namespace runed::embed::native
