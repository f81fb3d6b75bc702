#include "embed/model/quantize.hpp"

#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <vector>

#include "embed/model/float_formats.hpp"
#include "support/catch.hpp"

using runed::embed::bf16_to_float;
using runed::embed::f16_to_float;
using runed::embed::float_to_bf16;
using runed::embed::float_to_f16;
using runed::embed::read_row;
using runed::embed::TensorType;
using runed::embed::write_row;

TEST_CASE("every half-precision number is itself again") {
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    const auto half = static_cast<uint16_t>(bits);
    const float value = f16_to_float(half);
    if (std::isnan(value)) continue;
    REQUIRE(float_to_f16(value) == half);
  }
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    const auto half = static_cast<uint16_t>(bits);
    if (!std::isnan(bf16_to_float(half))) REQUIRE(float_to_bf16(bf16_to_float(half)) == half);
  }
}

TEST_CASE("a number between two of half precision goes to the nearer one, and to the even one") {
  // Each positive number, the next one, and the middle.
  for (uint32_t bits = 0; bits < 0x7BFF; ++bits) {
    const float low = f16_to_float(static_cast<uint16_t>(bits));
    const float high = f16_to_float(static_cast<uint16_t>(bits + 1));
    const float middle = (low + high) / 2;
    REQUIRE(float_to_f16(middle) == (bits % 2 == 0 ? bits : bits + 1));
    REQUIRE(float_to_f16(std::nextafter(middle, 0.0F)) == bits);
    REQUIRE(float_to_f16(std::nextafter(middle, high)) == bits + 1);
    REQUIRE(float_to_f16(-middle) == (0x8000 | (bits % 2 == 0 ? bits : bits + 1)));
  }
  CHECK(float_to_f16(65519.9F) == 0x7BFF);
  CHECK(float_to_f16(65520.0F) == 0x7C00);
  CHECK(float_to_f16(-std::numeric_limits<float>::infinity()) == 0xFC00);
  CHECK(float_to_f16(std::numeric_limits<float>::denorm_min()) == 0);
  CHECK(std::isnan(f16_to_float(float_to_f16(std::numeric_limits<float>::quiet_NaN()))));
  CHECK(float_to_bf16(std::bit_cast<float>(0x3F80'8000u)) == 0x3F80);
  CHECK(float_to_bf16(std::bit_cast<float>(0x3F81'8000u)) == 0x3F82);
  CHECK(float_to_bf16(std::bit_cast<float>(0x3F80'8001u)) == 0x3F81);
  CHECK(std::isnan(bf16_to_float(float_to_bf16(std::bit_cast<float>(0x7F80'0001u)))));
}

TEST_CASE("a block of Q8_0 has the largest number at 127, and rounds halves away from zero") {
  std::array<float, 64> numbers{};
  numbers[0] = 127;
  numbers[1] = -2.5F;
  numbers[2] = 2.5F;
  numbers[3] = 2.49F;
  std::array<std::byte, 68> row{};
  write_row(TensorType::q8_0, numbers, row);
  const auto quant = [&](size_t i) { return static_cast<int8_t>(row[2 + i]); };
  CHECK(f16_to_float(runed::embed::load<uint16_t>(row.data())) == 1.0F);
  CHECK(quant(0) == 127);
  CHECK(quant(1) == -3);
  CHECK(quant(2) == 3);
  CHECK(quant(3) == 2);
  for (size_t i = 34; i < 68; ++i) CHECK(row[i] == std::byte{0});  // A block of zeros.
  std::array<float, 64> again{};
  read_row(TensorType::q8_0, row, again);
  CHECK(again[0] == 127);
  CHECK(again[1] == -3);
  CHECK(again[63] == 0);
}
