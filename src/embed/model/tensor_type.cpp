#include "embed/model/tensor_type.hpp"

#include <array>

#include "base/check.hpp"

namespace runed::embed {
namespace {

struct Entry {
  TensorType type;
  BlockLayout layout;
};

// Source: ggml-common.h, the block_* structs and their static_asserts.
constexpr std::array kLayouts{
    Entry{TensorType::f32, {"F32", 1, 4}},       Entry{TensorType::f16, {"F16", 1, 2}},
    Entry{TensorType::bf16, {"BF16", 1, 2}},     Entry{TensorType::q8_0, {"Q8_0", 32, 34}},
    Entry{TensorType::q4_k, {"Q4_K", 256, 144}}, Entry{TensorType::q5_k, {"Q5_K", 256, 176}},
    Entry{TensorType::q6_k, {"Q6_K", 256, 210}},
};

}  // namespace

std::optional<BlockLayout> find_block_layout(uint32_t stored_type) {
  for (const Entry& entry : kLayouts) {
    if (static_cast<uint32_t>(entry.type) == stored_type) return entry.layout;
  }
  return std::nullopt;
}

BlockLayout block_layout(TensorType type) {
  const std::optional<BlockLayout> layout = find_block_layout(static_cast<uint32_t>(type));
  CHECK(layout.has_value());
  return *layout;
}

}  // namespace runed::embed
