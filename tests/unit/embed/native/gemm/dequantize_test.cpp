#include "embed/native/gemm/dequantize.hpp"

#include <algorithm>
#include <cstring>
#include <limits>
#include <span>
#include <vector>

#include "embed/native/isa/kernel_choice.hpp"
#include "support/catch.hpp"

using runed::embed::TensorType;
using runed::embed::native::available_kernels;
using runed::embed::native::Kernel;

namespace {

using Bytes = std::vector<uint8_t>;

void append_u16(Bytes& bytes, uint16_t value) {
  bytes.push_back(static_cast<uint8_t>(value & 0xFF));
  bytes.push_back(static_cast<uint8_t>(value >> 8));
}

// Compares bit by bit, so that NaN equals NaN and -0 differs from 0. The bytes and the floats start
// at odd addresses, as they may.
void check_dequantized(TensorType type, const Bytes& stored, const std::vector<float>& expected) {
  for (const Kernel* kernel : available_kernels()) {
    INFO("kernel " << kernel->name);
    std::vector<std::byte> from(stored.size() + 1);
    std::ranges::copy(std::as_bytes(std::span(stored)), from.begin() + 1);
    std::vector<float> to(expected.size() + 2, -77.0F);
    kernel->dequantize(type, from.data() + 1, expected.size(), to.data() + 1);
    CHECK(to.front() == -77.0F);
    CHECK(to.back() == -77.0F);
    for (size_t i = 0; i < expected.size(); ++i) {
      if (std::memcmp(&to[i + 1], &expected[i], sizeof(float)) == 0) continue;
      FAIL_CHECK("element " << i << " is " << to[i + 1] << ", expected " << expected[i]);
    }
  }
}

// The first `count` of the pairs, again and again.
void check_16_bit(TensorType type, const std::vector<std::pair<uint16_t, float>>& pairs,
                  size_t count) {
  Bytes stored;
  std::vector<float> expected;
  for (size_t i = 0; i < count; ++i) {
    append_u16(stored, pairs[i % pairs.size()].first);
    expected.push_back(pairs[i % pairs.size()].second);
  }
  check_dequantized(type, stored, expected);
}

float from_bits(uint32_t bits) {
  float value = 0;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr size_t kCounts[] = {0, 1, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 100};

// The 6-bit numbers below, packed by hand. Sub-blocks 4 to 7 have their high bits in the top of
// bytes 0 to 7 and their low nibbles in bytes 8 to 11.
constexpr int kScales[8] = {1, 2, 3, 63, 17, 33, 50, 60};
constexpr int kMinimums[8] = {4, 5, 6, 7, 16, 35, 0, 63};
const Bytes kPackedScales{0x41, 0x82, 0xC3, 0xFF, 0x44, 0x85, 0x06, 0xC7, 0x01, 0x31, 0x02, 0xFC};

void append_scales(Bytes& bytes) {
  append_u16(bytes, 0x3C00);  // Scale 1.
  append_u16(bytes, 0x3800);  // Minimum 0.5.
  bytes.insert(bytes.end(), kPackedScales.begin(), kPackedScales.end());
}

// Nibbles of a K-quant block of eight sub-blocks: sub-block i has (i + j) mod 16 at element j.
int nibble(int i, int j) {
  return (i + j) % 16;
}

void append_nibbles(Bytes& bytes) {
  for (int i = 0; i < 8; i += 2) {
    for (int j = 0; j < 32; ++j) {
      bytes.push_back(static_cast<uint8_t>(nibble(i, j) | nibble(i + 1, j) << 4));
    }
  }
}

// Nibbles of a block of 32: element j has (5 j + 3) mod 16, and the fifth bit j of these.
constexpr uint32_t kFifthBits = 0x8421F0C5;

int nibble_of(int j) {
  return (5 * j + 3) % 16;
}

int with_fifth_bit(int j) {
  return nibble_of(j) + 16 * static_cast<int>(kFifthBits >> j & 1);
}

constexpr std::pair<uint16_t, float> kBlockScales[] = {
    {0x3800, 0.5F}, {0xC000, -2.0F}, {0x0001, 0x1p-24F}, {0x0000, 0.0F}};

// A block of each scale: its minimum of -5 and its fifth bits, where the type has them, and nibbles.
// Element j is value(scale, j).
template <typename Value>
void check_blocks(TensorType type, bool has_minimum, bool has_fifth_bit, const Value& value) {
  Bytes stored;
  std::vector<float> expected;
  for (const auto& [bits, scale] : kBlockScales) {
    append_u16(stored, bits);
    if (has_minimum) append_u16(stored, 0xC500);
    for (int i = 0; has_fifth_bit && i < 4; ++i) {
      stored.push_back(static_cast<uint8_t>(kFifthBits >> 8 * i & 0xFF));
    }
    for (int j = 0; j < 16; ++j) {
      stored.push_back(static_cast<uint8_t>(nibble_of(j) | nibble_of(j + 16) << 4));
    }
    for (int j = 0; j < 32; ++j) expected.push_back(value(scale, j));
  }
  check_dequantized(type, stored, expected);
}

}  // namespace

TEST_CASE("F32 is copied") {
  const std::vector<float> expected{0.0F, -0.0F, 1.5F, -kInfinity, 3e-42F};
  Bytes stored(expected.size() * sizeof(float));
  std::memcpy(stored.data(), expected.data(), stored.size());
  check_dequantized(TensorType::f32, stored, expected);
}

TEST_CASE("F16 gives every class of number, in vectors and in the rest of a row") {
  const std::vector<std::pair<uint16_t, float>> pairs{
      {0x0000, 0.0F},       {0x8000, -0.0F},           {0x3C00, 1.0F},
      {0xC000, -2.0F},      {0x0001, 0x1p-24F},        {0x83FF, -1023 * 0x1p-24F},
      {0x0400, 0x1p-14F},   {0x7BFF, 65504.0F},        {0x7C00, kInfinity},
      {0xFC00, -kInfinity}, {0x3555, 1365 * 0x1p-12F}, {0x7E00, from_bits(0x7FC00000)},
  };
  for (const size_t count : kCounts) check_16_bit(TensorType::f16, pairs, count);
}

TEST_CASE("BF16 is the upper half of a float") {
  const std::vector<std::pair<uint16_t, float>> pairs{
      {0x3F80, 1.0F},      {0xC000, -2.0F},     {0x4049, 3.140625F},
      {0x0001, 0x1p-133F}, {0x7F80, kInfinity}, {0x7FC0, from_bits(0x7FC00000)},
      {0x8000, -0.0F},
  };
  for (const size_t count : kCounts) check_16_bit(TensorType::bf16, pairs, count);
}

TEST_CASE("Q8_0 scales the bytes of each block") {
  Bytes stored;
  std::vector<float> expected;
  for (const auto& [scale_bits, scale] :
       {std::pair<uint16_t, float>{0x3800, 0.5F}, {0xC000, -2.0F}, {0x0001, 0x1p-24F}}) {
    append_u16(stored, scale_bits);
    for (int i = 0; i < 32; ++i) {
      const int value = i == 0 ? -128 : i * 8 - 121;  // Up to 127.
      stored.push_back(static_cast<uint8_t>(value));
      expected.push_back(scale * static_cast<float>(value));
    }
  }
  check_dequantized(TensorType::q8_0, stored, expected);
}

TEST_CASE("Q4_K scales the nibbles of each sub-block and takes off its minimum") {
  Bytes stored;
  std::vector<float> expected;
  for (int block = 0; block < 2; ++block) {
    append_scales(stored);
    append_nibbles(stored);
    for (int i = 0; i < 8; ++i) {
      for (int j = 0; j < 32; ++j) {
        expected.push_back(static_cast<float>(kScales[i] * nibble(i, j)) -
                           0.5F * static_cast<float>(kMinimums[i]));
      }
    }
  }
  check_dequantized(TensorType::q4_k, stored, expected);
}

TEST_CASE("Q5_K adds a fifth bit to the nibbles") {
  constexpr int kEven[8] = {1, 0, 1, 0, 0, 1, 0, 1};  // 0xA5, from its lowest bit.
  constexpr int kOdd[8] = {1, 1, 1, 1, 0, 0, 0, 0};   // 0x0F.
  Bytes stored;
  std::vector<float> expected;
  for (int block = 0; block < 2; ++block) {
    append_scales(stored);
    for (int j = 0; j < 32; ++j) stored.push_back(j % 2 == 0 ? 0xA5 : 0x0F);
    append_nibbles(stored);
    for (int i = 0; i < 8; ++i) {
      for (int j = 0; j < 32; ++j) {
        const int value = nibble(i, j) + 16 * (j % 2 == 0 ? kEven[i] : kOdd[i]);
        expected.push_back(static_cast<float>(kScales[i] * value) -
                           0.5F * static_cast<float>(kMinimums[i]));
      }
    }
  }
  check_dequantized(TensorType::q5_k, stored, expected);
}

TEST_CASE("Q6_K puts nibbles and two more bits together") {
  // In each half, quarters 0 and 1 are the low nibbles of bytes 0 and 32 onwards, quarters 2 and 3
  // the high ones.
  const auto low = [](int quarter, int j) { return (3 * quarter + j) % 16; };
  constexpr int kEven[4] = {0, 1, 2, 3};  // 0xE4, two bits at a time from the lowest.
  constexpr int kOdd[4] = {3, 2, 1, 0};   // 0x1B.
  Bytes stored;
  std::vector<float> expected;
  for (const auto& [scale_bits, scale] :
       {std::pair<uint16_t, float>{0x3400, 0.25F}, {0x4000, 2.0F}}) {
    for (int half = 0; half < 2; ++half) {
      for (int i = 0; i < 64; ++i) {
        const int quarter = i / 32;
        stored.push_back(
            static_cast<uint8_t>(low(quarter, i % 32) | low(quarter + 2, i % 32) << 4));
      }
    }
    for (int i = 0; i < 64; ++i) stored.push_back(i % 2 == 0 ? 0xE4 : 0x1B);
    for (int i = 0; i < 16; ++i) stored.push_back(static_cast<uint8_t>(i - 8));
    append_u16(stored, scale_bits);
    for (int half = 0; half < 2; ++half) {
      for (int quarter = 0; quarter < 4; ++quarter) {
        for (int j = 0; j < 32; ++j) {
          const int value = low(quarter, j) + 16 * (j % 2 == 0 ? kEven[quarter] : kOdd[quarter]);
          const int scale_8 = 8 * half + 2 * quarter + j / 16 - 8;
          expected.push_back(scale * static_cast<float>(scale_8) * static_cast<float>(value - 32));
        }
      }
    }
  }
  check_dequantized(TensorType::q6_k, stored, expected);
}

TEST_CASE("Q4_0 scales nibbles that are off by 8, the low ones first") {
  check_blocks(TensorType::q4_0, false, false,
               [](float scale, int j) { return scale * static_cast<float>(nibble_of(j) - 8); });
}

TEST_CASE("Q4_1 scales nibbles and adds the minimum of the block") {
  check_blocks(TensorType::q4_1, true, false,
               [](float scale, int j) { return scale * static_cast<float>(nibble_of(j)) - 5.0F; });
}

TEST_CASE("Q5_0 has a fifth bit of each element, and is off by 16") {
  check_blocks(TensorType::q5_0, false, true, [](float scale, int j) {
    return scale * static_cast<float>(with_fifth_bit(j) - 16);
  });
}

TEST_CASE("Q5_1 has a fifth bit of each element, and a minimum") {
  check_blocks(TensorType::q5_1, true, true, [](float scale, int j) {
    return scale * static_cast<float>(with_fifth_bit(j)) - 5.0F;
  });
}

// Source: ggml-common.h, kvalues_iq4nl.
TEST_CASE("IQ4_NL scales one of sixteen values") {
  constexpr int kValues[] = {-127, -104, -83, -65, -49, -35, -22, -10,
                             1,    13,   25,  38,  53,  69,  89,  113};
  check_blocks(TensorType::iq4_nl, false, false, [&](float scale, int j) {
    return scale * static_cast<float>(kValues[nibble_of(j)]);
  });
}
