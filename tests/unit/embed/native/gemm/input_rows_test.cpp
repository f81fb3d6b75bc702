#include "embed/native/gemm/input_rows.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "embed/native/gemm/matrix_product.hpp"
#include "embed/native/isa/kernel_choice.hpp"
#include "support/catch.hpp"
#include "support/gemm_reference.hpp"
#include "support/random_floats.hpp"

using runed::embed::load;
using runed::embed::TensorType;
using runed::embed::native::available_kernels;
using runed::embed::native::Gemm;
using runed::embed::native::Kernel;
using runed::embed::native::kPortableKernel;
using runed::embed::native::name_of;
using runed::embed::native::NumberFormat;
using runed::embed::native::PreparedRows;
using runed::test::find_gemm;
using runed::test::PreparedInputs;
using runed::test::random_floats;
using runed::test::rounded;
using runed::test::rounded_to_bf16;
using runed::test::RoundedRow;

namespace {

constexpr size_t kDepths[] = {0,   1,   2,   31,  32,  33,  63,  64,   65,
                              127, 128, 129, 255, 256, 257, 513, 1024, 1056};

struct NamedInputs {
  std::string name;
  std::vector<float> values;
};

// Rows of every kind, with a float before them so that they begin off alignment.
std::vector<NamedInputs> inputs_of(size_t depth) {
  const auto of = [&](const auto& value) {
    std::vector<float> values(depth + 1);
    for (size_t i = 0; i < depth; ++i) values[i + 1] = value(i);
    return values;
  };
  std::vector<NamedInputs> all{{"random", random_floats(depth + 1)},
                               {"an outlier in each 40", random_floats(depth + 1)},
                               {"tiny", random_floats(depth + 1, 0x1p-99F)},
                               {"denormal", random_floats(depth + 1, 1e-39F)},
                               {"great", random_floats(depth + 1, 1e38F)}};
  for (size_t i = 1; i <= depth; i += 40) all[1].values[i] = -1000;
  all.push_back({"zero", of([](size_t i) { return i % 2 == 0 ? 0.0F : -0.0F; })});
  all.push_back({"at both ends", of([](size_t i) { return i % 3 == 0 ? 127.0F : -127.0F; })});
  // The middles between integers, where a block has 127 as its greatest: scale 1.
  all.push_back({"halves", of([](size_t i) {
                   return i % 32 == 0 ? 127.0F : static_cast<float>(i % 127) - 63.5F;
                 })});
  // The middles between bfloat16 numbers.
  all.push_back({"middles", of([](size_t i) {
                   return __builtin_bit_cast(float, 0x3F808000U + (static_cast<uint32_t>(i) << 16));
                 })});
  return all;
}

// A prepared row of any format as the numbers it stands for, up to `depth`, and the rest of them.
struct Decoded {
  std::vector<double> values;
  std::vector<double> rest;
  std::vector<float> scales;
};

template <typename Integer>
Decoded decode_blocks(const std::byte* row, size_t depth, size_t block, size_t block_bytes) {
  Decoded decoded;
  for (size_t first = 0; first < depth; first += block, row += block_bytes) {
    const auto scale = load<float>(row + block * sizeof(Integer));
    decoded.scales.push_back(scale);
    for (size_t i = 0; i < block; ++i) {
      const auto integer = static_cast<double>(load<Integer>(row + i * sizeof(Integer)));
      (first + i < depth ? decoded.values : decoded.rest)
          .push_back(integer * static_cast<double>(scale));
    }
  }
  return decoded;
}

Decoded decode(NumberFormat format, const std::byte* row, size_t depth) {
  if (format == NumberFormat::int8) return decode_blocks<int8_t>(row, depth, 32, 52);
  if (format == NumberFormat::int16) return decode_blocks<int16_t>(row, depth, 64, 132);
  Decoded decoded;
  for (size_t k = 0; k < (depth + 1) / 2 * 2; ++k) {
    const auto bits = uint32_t{load<uint16_t>(row + 2 * k)} << 16;
    (k < depth ? decoded.values : decoded.rest)
        .push_back(static_cast<double>(__builtin_bit_cast(float, bits)));
  }
  return decoded;
}

// Calls check(gemm, format) for each format of each kernel that rounds its inputs.
template <typename Check>
void for_each_rounding(const Check& check) {
  for (const Kernel* kernel : available_kernels()) {
    for (const NumberFormat format :
         {NumberFormat::bf16, NumberFormat::int16, NumberFormat::int8}) {
      const Gemm* gemm = find_gemm(
          *kernel, format, format == NumberFormat::int8 ? TensorType::q8_0 : TensorType::f32);
      if (gemm == nullptr) continue;
      INFO("kernel " << kernel->name << ", " << name_of(format));
      check(*gemm, format);
    }
  }
}

void check_rounding(const Gemm& gemm, NumberFormat format, const std::vector<float>& values) {
  const size_t depth = values.size() - 1;
  const PreparedInputs prepared(gemm, values.data() + 1, depth, 1, depth);
  CHECK(prepared.guards_are_intact());
  const Decoded found = decode(format, prepared.row(0), depth);
  const RoundedRow expected = rounded(format, values.data() + 1, depth);
  for (size_t k = 0; k < depth; ++k) {
    if (std::abs(found.values[k] - expected.values[k]) <= expected.slack[k]) continue;
    FAIL_CHECK("element " << k << ", " << values[k + 1] << ": " << found.values[k] << ", not "
                          << expected.values[k]);
  }
  for (const double value : found.rest) CHECK(value == 0);
}

}  // namespace

TEST_CASE("f32 rows are multiplied as they are") {
  for (const Kernel* kernel : available_kernels()) {
    CHECK(kernel->f32.prepare == nullptr);
    for (const size_t depth : kDepths) CHECK(kernel->f32.row_bytes(depth) == depth * sizeof(float));
  }
}

TEST_CASE("inputs are rounded to the nearest number of the format") {
  for_each_rounding([](const Gemm& gemm, NumberFormat format) {
    for (const size_t depth : kDepths) {
      for (const NamedInputs& inputs : inputs_of(depth)) {
        INFO("depth " << depth << ", inputs " << inputs.name);
        check_rounding(gemm, format, inputs.values);
      }
    }
  });
}

TEST_CASE("the middle between two integers is rounded to the even one") {
  std::vector<float> values(64);
  for (size_t i = 0; i < 64; ++i) values[i] = static_cast<float>(i) - 31.5F;
  for_each_rounding([&](const Gemm& gemm, NumberFormat format) {
    if (format == NumberFormat::bf16) return;
    values[0] = values[32] = format == NumberFormat::int8 ? 127.0F : 5792.0F;  // The scale is 1.
    const PreparedInputs prepared(gemm, values.data(), 64, 1, 64);
    const Decoded found = decode(format, prepared.row(0), 64);
    for (size_t i = 0; i < 64; ++i) {
      CHECK(found.values[i] == std::nearbyint(static_cast<double>(values[i])));
    }
  });
}

TEST_CASE("int8 rows carry what makes up for weights without a sign") {
  for_each_rounding([](const Gemm& gemm, NumberFormat format) {
    if (format != NumberFormat::int8) return;
    for (const size_t depth : {1, 17, 32, 96, 129}) {
      INFO("depth " << depth);
      const std::vector<float> values = random_floats(depth, 5);
      const PreparedInputs prepared(gemm, values.data(), depth, 1, depth);
      for (size_t block = 0; block < (depth + 31) / 32; ++block) {
        const std::byte* from = prepared.row(0) + block * 52;
        int32_t sums[2] = {};
        for (size_t i = 0; i < 32; ++i) sums[i / 16] += load<int8_t>(from + i);
        const int32_t sum = sums[0] + sums[1];
        CHECK(load<float>(from + 36) == load<float>(from + 32) * static_cast<float>(sum));
        CHECK(load<int32_t>(from + 40) == -128 * sum);
        CHECK(load<int32_t>(from + 44) == -32 * sums[0]);
        CHECK(load<int32_t>(from + 48) == -32 * sums[1]);
      }
    }
  });
}

TEST_CASE("what is not finite makes its own block not finite, and no other") {
  const float infinity = std::numeric_limits<float>::infinity();
  const float nan = std::numeric_limits<float>::quiet_NaN();
  for_each_rounding([&](const Gemm& gemm, NumberFormat format) {
    for (const float bad : {nan, -nan, infinity, -infinity}) {
      for (const size_t at : {0, 31, 40, 63, 64, 129}) {
        INFO(bad << " at " << at);
        std::vector<float> values = random_floats(130);
        values[at] = bad;
        const PreparedInputs prepared(gemm, values.data(), 130, 1, 130);
        const Decoded found = decode(format, prepared.row(0), 130);
        if (format == NumberFormat::bf16) {
          CHECK(!std::isfinite(found.values[at]));
          continue;
        }
        const size_t block = format == NumberFormat::int8 ? 32 : 64;
        for (size_t i = 0; i < found.scales.size(); ++i) {
          CHECK(std::isfinite(found.scales[i]) == (i != at / block));
        }
      }
    }
  });
}

TEST_CASE("a row that is prepared in parts is as one that is prepared at once") {
  for_each_rounding([](const Gemm& gemm, NumberFormat) {
    REQUIRE(gemm.block_elements > 1);
    for (const size_t depth : kDepths) {
      const std::vector<float> values = random_floats(depth, 5);
      const PreparedInputs whole(gemm, values.data(), depth, 1, depth);
      for (const size_t blocks : {1, 2, 3}) {
        INFO("depth " << depth << ", parts of " << blocks << " blocks");
        const size_t part = blocks * gemm.block_elements;
        std::vector<std::byte> row(gemm.row_bytes(depth) + 1, PreparedInputs::kGuard);
        for (size_t first = 0; first < depth; first += part) {
          gemm.prepare(values.data() + first, std::min(part, depth - first),
                       row.data() + gemm.row_bytes(first));
        }
        CHECK(row.back() == PreparedInputs::kGuard);
        CHECK(std::equal(row.begin(), row.end() - 1, whole.row(0)));
      }
    }
  });
}

TEST_CASE("rows are prepared in parts only of whole blocks") {
  CHECK_FALSE(PreparedRows::can_take(kPortableKernel.f32, 64));  // Not prepared at all.
  for_each_rounding([](const Gemm& gemm, NumberFormat format) {
    const size_t block = format == NumberFormat::bf16 ? 2 : format == NumberFormat::int8 ? 32 : 64;
    CHECK(gemm.block_elements == block);
    CHECK(PreparedRows::can_take(gemm, block));
    CHECK(PreparedRows::can_take(gemm, 3 * block));
    CHECK_FALSE(PreparedRows::can_take(gemm, block + 1));
    CHECK_FALSE(PreparedRows::can_take(gemm, block / 2));
  });
}
