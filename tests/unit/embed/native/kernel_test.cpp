#include "embed/native/kernel.hpp"

#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "embed/native/kernel_choice.hpp"
#include "support/catch.hpp"
#include "support/random_floats.hpp"

using runed::embed::native::available_kernels;
using runed::embed::native::Kernel;
using runed::embed::native::kLeastScore;
using runed::embed::native::kPanelColumns;
using runed::embed::native::kTileRows;
using runed::embed::native::StoredRows;
using runed::embed::native::TensorType;
using runed::test::random_floats;

namespace {

constexpr size_t kLengths[] = {0, 1, 3, 4, 5, 15, 16, 17, 31, 33, 64, 65, 100};
constexpr size_t kDepths[] = {0, 1, 15, 16, 17, 255, 256, 257, 513};
constexpr float kGuard = -77.0F;

// Weight rows of F32, one byte off alignment.
class UnalignedRows {
 public:
  UnalignedRows(size_t count, size_t depth)
      : values_(random_floats(count * depth)),
        bytes_(values_.size() * sizeof(float) + 1),
        count_(count),
        depth_(depth) {
    if (!values_.empty()) std::memcpy(bytes_.data() + 1, values_.data(), bytes_.size() - 1);
  }

  StoredRows stored() const {
    return {TensorType::f32, bytes_.data() + 1, depth_ * sizeof(float), count_};
  }
  float at(size_t row, size_t k) const { return values_[row * depth_ + k]; }

 private:
  std::vector<float> values_;
  std::vector<std::byte> bytes_;
  size_t count_;
  size_t depth_;
};

// A tile with room for a float too many on either side of the data.
struct Product {
  std::vector<float> rows;
  size_t stride;
  std::vector<float> tile;
};

Product multiply(const Kernel& kernel, const void* panel, size_t depth, size_t row_count) {
  const size_t stride = depth + 3;
  Product product{random_floats(row_count * stride + 1), stride,
                  std::vector<float>(row_count * kPanelColumns + 2, kGuard)};
  kernel.multiply(panel, depth, product.rows.data() + 1, stride, row_count,
                  product.tile.data() + 1);
  CHECK(product.tile.front() == kGuard);
  CHECK(product.tile.back() == kGuard);
  return product;
}

// The naive loop. Calls weight(column, k) for the panel's numbers.
template <typename Weight>
void check_product(const Product& product, size_t depth, size_t row_count, size_t columns,
                   const Weight& weight) {
  for (size_t row = 0; row < row_count; ++row) {
    for (size_t column = 0; column < columns; ++column) {
      double sum = 0;
      for (size_t k = 0; k < depth; ++k) {
        sum += static_cast<double>(product.rows[1 + row * product.stride + k]) *
               static_cast<double>(weight(column, k));
      }
      const float found = product.tile[1 + row * kPanelColumns + column];
      if (std::abs(static_cast<double>(found) - sum) < 2e-4) continue;
      FAIL_CHECK("row " << row << ", column " << column << ": " << found << ", not " << sum);
    }
  }
}

void check_close(float found, double expected) {
  CHECK(std::abs(static_cast<double>(found) - expected) <= 2e-6 * (1 + std::abs(expected)));
}

}  // namespace

TEST_CASE("packed weight rows multiply as a naive loop does, at every edge") {
  for (const Kernel* kernel : available_kernels()) {
    for (const size_t depth : kDepths) {
      for (const size_t columns : {1, 15, 16, 17, 63, 64}) {
        INFO("kernel " << kernel->name << ", depth " << depth << ", columns " << columns);
        const UnalignedRows weights(columns, depth);
        std::vector<std::byte> panel(kernel->panel_bytes(depth) + 4);
        kernel->pack(weights.stored(), depth, 0, panel.data() + 4);
        for (size_t rows = 1; rows <= kTileRows; ++rows) {
          const Product product = multiply(*kernel, panel.data() + 4, depth, rows);
          check_product(product, depth, rows, columns,
                        [&](size_t column, size_t k) { return weights.at(column, k); });
        }
      }
    }
  }
}

TEST_CASE("a panel is put together from parts, with zeros up to the next sixteen columns") {
  constexpr size_t kDepth = 33;
  for (const Kernel* kernel : available_kernels()) {
    INFO("kernel " << kernel->name);
    const UnalignedRows first(32, kDepth);
    const UnalignedRows second(5, kDepth);
    std::vector<std::byte> panel(kernel->panel_bytes(kDepth));
    kernel->pack(first.stored(), kDepth, 0, panel.data());
    kernel->pack(second.stored(), kDepth, 32, panel.data());
    const Product product = multiply(*kernel, panel.data(), kDepth, 2);
    check_product(product, kDepth, 2, 48, [&](size_t column, size_t k) {
      if (column < 32) return first.at(column, k);
      return column < 37 ? second.at(column - 32, k) : 0.0F;
    });
  }
}

TEST_CASE("quantized rows are packed a chunk at a time") {
  constexpr size_t kDepth = 576;  // Two chunks and a quarter.
  constexpr size_t kRowBytes = kDepth / 32 * 34;
  std::vector<std::byte> stored(7 * kRowBytes);
  for (size_t i = 0; i < stored.size(); ++i) stored[i] = static_cast<std::byte>(i * 7 % 251);
  for (size_t block = 0; block < stored.size(); block += 34) {
    stored[block] = std::byte{0x00};
    stored[block + 1] = std::byte{0x20};  // Scale 2^-7.
  }
  for (const Kernel* kernel : available_kernels()) {
    INFO("kernel " << kernel->name);
    std::vector<std::byte> panel(kernel->panel_bytes(kDepth));
    kernel->pack({TensorType::q8_0, stored.data(), kRowBytes, 7}, kDepth, 0, panel.data());
    const Product product = multiply(*kernel, panel.data(), kDepth, 6);
    check_product(product, kDepth, 6, 7, [&](size_t column, size_t k) {
      const size_t at = column * kRowBytes + k / 32 * 34 + 2 + k % 32;
      return 0x1p-7F * static_cast<float>(static_cast<int8_t>(stored[at]));
    });
  }
}

TEST_CASE("f32 rows become the rows of a panel, with zeros in the columns past the last") {
  for (const Kernel* kernel : available_kernels()) {
    for (const size_t depth : {0, 1, 7, 64}) {
      for (const size_t columns : {1, 7, 8, 9, 16, 32, 63, 64}) {
        INFO("kernel " << kernel->name << ", depth " << depth << ", columns " << columns);
        const size_t stride = columns + 5;
        const std::vector<float> rows = random_floats(depth * stride + 1);
        std::vector<std::byte> panel(kernel->panel_bytes(depth));
        kernel->pack_as_rows(rows.data() + 1, stride, depth, columns, panel.data());
        const Product product = multiply(*kernel, panel.data(), depth, 3);
        check_product(product, depth, 3, kPanelColumns, [&](size_t column, size_t k) {
          return column < columns ? rows[1 + k * stride + column] : 0.0F;
        });
      }
    }
  }
}

TEST_CASE("the RMS norm agrees with its definition") {
  for (const Kernel* kernel : available_kernels()) {
    for (const size_t width : kLengths) {
      INFO("kernel " << kernel->name << ", width " << width);
      const std::vector<float> in = random_floats(width + 1, 3);
      const std::vector<float> weight = random_floats(width + 1);
      std::vector<float> out(width + 2, kGuard);
      kernel->rms_norm(in.data() + 1, weight.data() + 1, width, 1e-6F, out.data() + 1);
      double squares = 0;
      for (size_t i = 0; i < width; ++i) squares += std::pow(static_cast<double>(in[i + 1]), 2);
      for (size_t i = 0; i < width; ++i) {
        const double scale = 1 / std::sqrt(squares / static_cast<double>(width) + 1e-6);
        check_close(out[i + 1],
                    static_cast<double>(in[i + 1]) * scale * static_cast<double>(weight[i + 1]));
      }
      CHECK(out.back() == kGuard);
    }
  }
}

TEST_CASE("a head is rotated pair by pair, half a head apart") {
  for (const Kernel* kernel : available_kernels()) {
    for (const size_t half : kLengths) {
      INFO("kernel " << kernel->name << ", half " << half);
      const std::vector<float> head = random_floats(2 * half + 1);
      const std::vector<float> angles = random_floats(half, 3);
      std::vector<float> cosines(half + 1);
      std::vector<float> sines(half + 1);
      for (size_t i = 0; i < half; ++i) {
        cosines[i + 1] = std::cos(angles[i]);
        sines[i + 1] = std::sin(angles[i]);
      }
      std::vector<float> out = head;
      kernel->rotate(out.data() + 1, cosines.data() + 1, sines.data() + 1, half);
      for (size_t i = 0; i < half; ++i) {
        const double angle = static_cast<double>(angles[i]);
        const double x = static_cast<double>(head[i + 1]);
        const double y = static_cast<double>(head[half + i + 1]);
        check_close(out[i + 1], x * std::cos(angle) - y * std::sin(angle));
        check_close(out[half + i + 1], y * std::cos(angle) + x * std::sin(angle));
      }
    }
  }
}

TEST_CASE("SwiGLU agrees with its definition, far out too") {
  for (const Kernel* kernel : available_kernels()) {
    for (const size_t count : kLengths) {
      INFO("kernel " << kernel->name << ", count " << count);
      const std::vector<float> gate = random_floats(count + 1, count % 2 == 0 ? 4 : 200);
      const std::vector<float> up = random_floats(count + 1);
      std::vector<float> out(count + 2, kGuard);
      kernel->swiglu(gate.data() + 1, up.data() + 1, count, out.data() + 1);
      for (size_t i = 0; i < count; ++i) {
        const double x = static_cast<double>(gate[i + 1]);
        check_close(out[i + 1], x / (1 + std::exp(-x)) * static_cast<double>(up[i + 1]));
      }
      CHECK(out.back() == kGuard);
    }
  }
}

TEST_CASE("softmax in two calls equals softmax in one") {
  for (const Kernel* kernel : available_kernels()) {
    for (const size_t count : kLengths) {
      INFO("kernel " << kernel->name << ", count " << count);
      const std::vector<float> scores = random_floats(count + 8, 30);
      std::vector<float> weights = scores;
      float maximum = kLeastScore;
      float total = 0;
      kernel->soften(weights.data(), 7, maximum, total);
      const float factor = kernel->soften(weights.data() + 7, count + 1, maximum, total);
      double sum = 0;
      for (const float score : scores) {
        sum += std::exp(static_cast<double>(score) - static_cast<double>(maximum));
      }
      CHECK(static_cast<double>(total) == Approx(sum).epsilon(1e-5));
      for (size_t i = 0; i < scores.size(); ++i) {
        const float weight = i < 7 ? weights[i] * factor : weights[i];
        const double expected =
            std::exp(static_cast<double>(scores[i]) - static_cast<double>(maximum));
        check_close(weight, expected);
      }
    }
  }
}

TEST_CASE("what is not a number stays visible") {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  for (const Kernel* kernel : available_kernels()) {
    INFO("kernel " << kernel->name);
    std::vector<float> scores{0.0F, nan, 1.0F};
    float maximum = kLeastScore;
    float sum = 0;
    kernel->soften(scores.data(), scores.size(), maximum, sum);
    CHECK(std::isnan(sum));
    const float gate = nan;
    const float up = 1;
    float out = 0;
    kernel->swiglu(&gate, &up, 1, &out);
    CHECK(std::isnan(out));
  }
}

TEST_CASE("scaling and adding writes over the output") {
  for (const Kernel* kernel : available_kernels()) {
    for (const size_t count : kLengths) {
      INFO("kernel " << kernel->name << ", count " << count);
      const std::vector<float> before = random_floats(count + 2);
      const std::vector<float> addend = random_floats(count + 1);
      std::vector<float> out = before;
      kernel->scale_and_add(out.data() + 1, 0.5F, addend.data() + 1, count);
      for (size_t i = 1; i <= count; ++i) {
        check_close(out[i], 0.5 * static_cast<double>(before[i]) + static_cast<double>(addend[i]));
      }
      CHECK(out.back() == before.back());
    }
  }
}
