#include <cmath>
#include <limits>
#include <vector>

#include "embed/native/gemm/gemm.hpp"
#include "embed/native/isa/kernel_choice.hpp"
#include "support/catch.hpp"
#include "support/gemm_reference.hpp"
#include "support/random_floats.hpp"
#include "support/stored_weights.hpp"

// A vector that came out of NaN or infinity must not look like one: they stay visible to the end, in
// every format.

using runed::embed::block_layout;
using runed::embed::TensorType;
using runed::embed::native::available_kernels;
using runed::embed::native::Gemm;
using runed::embed::native::Kernel;
using runed::embed::native::kPanelColumns;
using runed::embed::native::name_of;
using runed::embed::native::NumberFormat;
using runed::test::find_gemm;
using runed::test::kAllTypes;
using runed::test::kFormats;
using runed::test::Panel;
using runed::test::PreparedInputs;
using runed::test::random_floats;
using runed::test::StoredWeights;
using runed::test::Tile;

namespace {

constexpr size_t kDepth = 512;
constexpr size_t kColumns = 20;
constexpr size_t kRows = 2;

const float kBad[] = {std::numeric_limits<float>::quiet_NaN(),
                      std::numeric_limits<float>::infinity(),
                      -std::numeric_limits<float>::infinity()};
constexpr uint16_t kBadHalves[] = {0x7E00, 0x7C00, 0xFC00, 0x7C01};
constexpr uint16_t kBadBf16[] = {0x7FC0, 0x7F80, 0xFF80, 0x7F81};

// Where the f16 scales of a block are.
std::vector<size_t> scales_of(TensorType type) {
  switch (type) {
    case TensorType::q8_0:
    case TensorType::q5_0:
    case TensorType::q4_0:
    case TensorType::iq4_nl:
      return {0};
    case TensorType::q6_k:
      return {208};
    case TensorType::q5_k:
    case TensorType::q4_k:
    case TensorType::q5_1:
    case TensorType::q4_1:
      return {0, 2};
    case TensorType::f32:
    case TensorType::f16:
    case TensorType::bf16:
      break;
  }
  return {};
}

template <typename Check>
void for_each_gemm(const Check& check) {
  for (const Kernel* kernel : available_kernels()) {
    for (const NumberFormat format : kFormats) {
      for (const TensorType type : kAllTypes) {
        const Gemm* gemm = find_gemm(*kernel, format, type);
        if (gemm == nullptr) continue;
        INFO("kernel " << kernel->name << ", " << name_of(format) << ", "
                       << block_layout(type).name);
        check(*gemm, type);
      }
    }
  }
}

Tile multiply(const Gemm& gemm, const StoredWeights& weights, const std::vector<float>& inputs) {
  Panel panel(gemm, kDepth);
  gemm.pack(weights.stored(0, kColumns), kDepth, 0, panel.data(), {});
  const PreparedInputs rows(gemm, inputs.data(), kDepth, kRows, kDepth);
  return {gemm, panel, kDepth, rows, kRows};
}

// Writes two bytes over a row of weights; the product with that row must show it, and no other.
void check_spoiled(const Gemm& gemm, TensorType type, size_t offset, uint16_t bits,
                   const std::vector<float>& inputs) {
  constexpr size_t kSpoiled = 3;
  StoredWeights weights(type, kColumns, kDepth);
  __builtin_memcpy(weights.bytes(kSpoiled) + offset, &bits, sizeof bits);
  const Tile tile = multiply(gemm, weights, inputs);
  for (size_t row = 0; row < kRows; ++row) {
    for (size_t column = 0; column < kColumns; ++column) {
      INFO("bits " << bits << " at " << offset << ", row " << row << ", column " << column << ": "
                   << tile.at(row, column));
      CHECK(std::isfinite(tile.at(row, column)) == (column != kSpoiled));
    }
  }
}

}  // namespace

TEST_CASE("an input that is not finite gives no finite product, in its row alone") {
  for_each_gemm([](const Gemm& gemm, TensorType type) {
    const StoredWeights weights(type, kColumns, kDepth);
    for (const float bad : kBad) {
      for (const size_t at : {size_t{0}, size_t{37}, kDepth - 1}) {
        std::vector<float> inputs = random_floats(kRows * kDepth);
        inputs[at] = bad;
        const Tile tile = multiply(gemm, weights, inputs);
        for (size_t column = 0; column < kColumns; ++column) {
          INFO(bad << " at " << at << ", column " << column << ": " << tile.at(0, column));
          CHECK(!std::isfinite(tile.at(0, column)));
          CHECK(std::isfinite(tile.at(1, column)));
        }
      }
    }
  });
}

TEST_CASE("a weight that is not finite gives no finite product, in its column alone") {
  for_each_gemm([](const Gemm& gemm, TensorType type) {
    const std::vector<float> inputs = random_floats(kRows * kDepth);
    for (const size_t at : {size_t{0}, size_t{37}, kDepth - 1}) {
      if (type == TensorType::f32) {  // The upper half of a float is enough.
        for (const uint16_t bits : kBadBf16) check_spoiled(gemm, type, 4 * at + 2, bits, inputs);
      } else if (type == TensorType::f16) {
        for (const uint16_t bits : kBadHalves) check_spoiled(gemm, type, 2 * at, bits, inputs);
      } else if (type == TensorType::bf16) {
        for (const uint16_t bits : kBadBf16) check_spoiled(gemm, type, 2 * at, bits, inputs);
      }
    }
  });
}

TEST_CASE("a block's scale that is not finite gives no finite product, for inputs of zero too") {
  for_each_gemm([](const Gemm& gemm, TensorType type) {
    const size_t block_bytes = block_layout(type).block_bytes;
    const size_t blocks = kDepth / block_layout(type).block_elements;
    for (const size_t scale : scales_of(type)) {
      for (const size_t block : {size_t{0}, blocks - 1}) {
        for (const uint16_t bits : kBadHalves) {
          const size_t offset = block * block_bytes + scale;
          check_spoiled(gemm, type, offset, bits, random_floats(kRows * kDepth));
          check_spoiled(gemm, type, offset, bits, std::vector<float>(kRows * kDepth));
        }
      }
    }
  });
}
