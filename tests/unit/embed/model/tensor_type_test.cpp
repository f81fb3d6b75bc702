#include "embed/model/tensor_type.hpp"

#include "support/catch.hpp"

using runed::embed::block_layout;
using runed::embed::find_block_layout;
using runed::embed::TensorType;

TEST_CASE("a stored type is found with its block") {
  const auto layout = find_block_layout(8);
  REQUIRE(layout.has_value());
  CHECK(layout->name == "Q8_0");
  CHECK(layout->block_elements == 32);
  CHECK(layout->block_bytes == 34);  // One f16 scale and 32 bytes.
}

TEST_CASE("the blocks have the sizes of their parts") {
  CHECK(block_layout(TensorType::f32).block_bytes == 4);
  CHECK(block_layout(TensorType::f16).block_bytes == 2);
  CHECK(block_layout(TensorType::bf16).block_bytes == 2);
  CHECK(block_layout(TensorType::q4_k).block_bytes ==
        2 + 2 + 12 + 128);  // d, dmin, 6-bit scales, nibbles.
  CHECK(block_layout(TensorType::q5_k).block_bytes ==
        2 + 2 + 12 + 32 + 128);  // And a high bit each.
  CHECK(block_layout(TensorType::q6_k).block_bytes ==
        128 + 64 + 16 + 2);  // Low 4, high 2, scales, d.
}

TEST_CASE("the blocks of 32 have a scale, a minimum or none, fifth bits or none, and nibbles") {
  CHECK(block_layout(TensorType::q4_0).name == "Q4_0");
  CHECK(block_layout(TensorType::q4_0).block_bytes == 2 + 16);
  CHECK(block_layout(TensorType::q4_1).name == "Q4_1");
  CHECK(block_layout(TensorType::q4_1).block_bytes == 2 + 2 + 16);
  CHECK(block_layout(TensorType::q5_0).name == "Q5_0");
  CHECK(block_layout(TensorType::q5_0).block_bytes == 2 + 4 + 16);
  CHECK(block_layout(TensorType::q5_1).name == "Q5_1");
  CHECK(block_layout(TensorType::q5_1).block_bytes == 2 + 2 + 4 + 16);
  CHECK(block_layout(TensorType::iq4_nl).name == "IQ4_NL");
  CHECK(block_layout(TensorType::iq4_nl).block_bytes == 2 + 16);
}

TEST_CASE("a type that no kernel of ours reads has a layout, too") {
  CHECK(find_block_layout(10)->name == "Q2_K");
  CHECK(find_block_layout(10)->block_bytes == 16 + 64 + 2 + 2);  // Scales, 2 bits each, d, dmin.
  CHECK(find_block_layout(11)->block_bytes ==
        32 + 64 + 12 + 2);  // High bits, 2 bits each, scales, d.
}

TEST_CASE("a type that is none of ggml's is not found") {
  CHECK_FALSE(find_block_layout(4).has_value());  // Once Q4_2.
  CHECK_FALSE(find_block_layout(0xFFFFFFFF).has_value());
}
