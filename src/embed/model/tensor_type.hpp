#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace runed::embed {

/// How a tensor's numbers are stored. The values are the file's own; those that nobody here asks for
/// have no name, and only a layout.
/// Source: ggml, enum ggml_type; GGUF specification, "Tensor info".
enum class TensorType : uint32_t {
  f32 = 0,
  f16 = 1,
  q4_0 = 2,
  q4_1 = 3,
  q5_0 = 6,
  q5_1 = 7,
  q8_0 = 8,
  q4_k = 12,
  q5_k = 13,
  q6_k = 14,
  iq4_nl = 20,
  bf16 = 30,
};

/// The unit in which a type stores its rows.
struct BlockLayout {
  std::string_view name;    // ggml's spelling: `Q6_K`.
  uint32_t block_elements;  // Numbers in a block.
  uint32_t block_bytes;     // Bytes of a block.
};

/// Finds the layout of a stored type; none if it is not one of ggml's.
std::optional<BlockLayout> find_block_layout(uint32_t stored_type);

/// Returns the layout of a type.
BlockLayout block_layout(TensorType type);

}  // namespace runed::embed
