#include "embed/native/pass/static_pass.hpp"

#include <cmath>
#include <cstring>
#include <vector>

#include "embed/model/quantize.hpp"
#include "embed/native/isa/kernel_choice.hpp"
#include "support/random_floats.hpp"
#include "support/result_matchers.hpp"

using runed::embed::EmbeddingRows;
using runed::embed::ModelSpec;
using runed::embed::TensorType;
using runed::embed::TokenId;
using runed::embed::native::Kernel;
using runed::embed::native::StaticPass;
using runed::embed::native::ThreadPool;
using runed::embed::native::Weights;

namespace {

constexpr size_t kRows = 50;

// A table of random rows in some type.
struct Table {
  Table(TensorType type, uint32_t width) {
    spec.width = width;
    spec.vocabulary = kRows;
    const std::vector<float> floats = runed::test::random_floats(kRows * width);
    numbers.resize(floats.size());
    for (size_t row = 0; row < kRows; ++row) {
      const std::span<const float> in(floats.data() + row * width, width);
      const auto layout = runed::embed::block_layout(type);
      std::vector<std::byte> stored(width / layout.block_elements * layout.block_bytes);
      row_bytes = stored.size();
      runed::embed::write_row(type, in, stored);
      bytes.insert(bytes.end(), stored.begin(), stored.end());
      runed::embed::read_row(type, stored, std::span(numbers).subspan(row * width, width));
    }
    weights.embedding = {.type = type,
                         .data = bytes.data(),
                         .rows = kRows,
                         .columns = width,
                         .row_bytes = row_bytes};
  }

  // The mean of rows, as it is defined.
  std::vector<double> mean(std::span<const TokenId> ids) const {
    std::vector<double> sum(spec.width);
    for (const TokenId id : ids) {
      for (size_t i = 0; i < sum.size(); ++i) {
        sum[i] +=
            static_cast<double>(numbers[id * spec.width + i]) / static_cast<double>(ids.size());
      }
    }
    return sum;
  }

  ModelSpec spec;
  Weights weights;
  size_t row_bytes = 0;
  std::vector<std::byte> bytes;
  std::vector<float> numbers;
};

// Texts of these lengths.
void check(const Table& table, const Kernel& kernel, ThreadPool& pool,
           const std::vector<size_t>& lengths) {
  std::vector<TokenId> ids;
  std::vector<uint32_t> offsets{0};
  for (const size_t length : lengths) {
    for (size_t i = 0; i < length; ++i) {
      ids.push_back(static_cast<TokenId>((i * 31 + length) % kRows));
    }
    offsets.push_back(static_cast<uint32_t>(ids.size()));
  }
  const size_t width = table.spec.width;
  std::vector<float> vectors(lengths.size() * width);
  std::vector<float> norms(lengths.size());
  StaticPass pass(table.spec, table.weights, kernel, pool);
  pass.run({.ids = ids, .offsets = offsets}, EmbeddingRows(vectors, norms));
  for (size_t text = 0; text < lengths.size(); ++text) {
    const auto mean = table.mean(std::span(ids).subspan(offsets[text], lengths[text]));
    double squares = 0;
    for (const double number : mean) squares += number * number;
    const double norm = std::sqrt(squares);
    CAPTURE(kernel.name, width, lengths[text]);
    CHECK(std::abs(static_cast<double>(norms[text]) - norm) <= 1e-5 * norm);
    double difference = 0;
    for (size_t i = 0; i < width; ++i) {
      difference = std::max(
          difference, std::abs(static_cast<double>(vectors[text * width + i]) - mean[i] / norm));
    }
    CHECK(difference <= 1e-5);
  }
}

}  // namespace

TEST_CASE("the vector of a text is the mean of its rows, on every instruction set") {
  ThreadPool pool(2);
  for (const Kernel* kernel : runed::embed::native::available_kernels()) {
    for (const uint32_t width : {1U, 15U, 16U, 17U, 48U, 256U}) {
      check(Table(TensorType::f32, width), *kernel, pool, {1, 2, 31, 32, 33, 5000});
    }
    for (const TensorType type : {TensorType::f16, TensorType::bf16, TensorType::q8_0}) {
      check(Table(type, 64), *kernel, pool, {1, 100});
    }
  }
}

TEST_CASE("a text whose rows have a mean of zero has no vector, and never a false one") {
  Table table(TensorType::f32, 8);
  std::fill(table.bytes.begin(), table.bytes.end(), std::byte{0});
  ThreadPool pool(1);
  const std::vector<TokenId> ids{0, 1};
  const std::vector<uint32_t> offsets{0, 2};
  std::vector<float> vectors(8);
  std::vector<float> norms(1, 1);
  StaticPass pass(table.spec, table.weights, runed::embed::native::kPortableKernel, pool);
  pass.run({.ids = ids, .offsets = offsets}, EmbeddingRows(vectors, norms));
  CHECK(norms[0] == 0);
  for (const float number : vectors) CHECK_FALSE(std::isfinite(number));
}
