#pragma once

#include <fmt/format.h>

#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "embed/model/float_formats.hpp"
#include "embed/model/tensor_type.hpp"
#include "support/gguf_builder.hpp"
#include "support/random_floats.hpp"

namespace runed::test {

struct ModelShape {
  uint32_t width;
  uint32_t ff_width;
  uint32_t heads;  // One head of keys and values serves all.
  uint32_t head_width;
};

/// No width is a multiple of a vector, of a panel or of a cache line.
inline constexpr ModelShape kOddShape{50, 70, 3, 18};

/// Every width is a multiple of the block of Q8_0, and an odd one.
inline constexpr ModelShape kBlockShape{96, 160, 3, 32};

/// A model of random weights: its file, and every tensor as the numbers that the file holds.
class RandomModel {
 public:
  using TensorType = embed::TensorType;
  using Row = std::vector<double>;

  static constexpr uint32_t kLayers = 2;
  static constexpr uint32_t kVocabulary = 262;
  static constexpr float kRopeBase = 1e5F;
  static constexpr float kEpsilon = 0.01F;  // So large that another one would show.

  /// `change` makes another header of it before it is built.
  RandomModel(TensorType type, const ModelShape& of,
              const std::function<void(GgufBuilder&)>& change = {})
      : shape(of), type_(type), builder_(small_qwen3()) {
    const uint64_t query_width = uint64_t{shape.heads} * shape.head_width;
    builder_.set("qwen3.block_count", kLayers)
        .set("qwen3.embedding_length", shape.width)
        .set("qwen3.feed_forward_length", shape.ff_width)
        .set("qwen3.attention.head_count", shape.heads)
        .set("qwen3.attention.head_count_kv", uint32_t{1})
        .set("qwen3.attention.key_length", shape.head_width)
        .set("qwen3.attention.value_length", shape.head_width)
        .set("qwen3.attention.layer_norm_rms_epsilon", kEpsilon)
        .set("qwen3.rope.freq_base", kRopeBase);
    add_matrix("token_embd", kVocabulary, shape.width);
    add_norm("output_norm", shape.width);
    for (uint32_t layer = 0; layer < kLayers; ++layer) {
      const auto name = [layer](const char* part) { return fmt::format("blk.{}.{}", layer, part); };
      add_norm(name("attn_norm"), shape.width);
      add_norm(name("attn_q_norm"), shape.head_width);
      add_norm(name("attn_k_norm"), shape.head_width);
      add_matrix(name("attn_q"), query_width, shape.width);
      add_matrix(name("attn_k"), shape.head_width, shape.width);
      add_matrix(name("attn_v"), shape.head_width, shape.width);
      add_matrix(name("attn_output"), shape.width, query_width);
      add_norm(name("ffn_norm"), shape.width);
      add_matrix(name("ffn_gate"), shape.ff_width, shape.width);
      add_matrix(name("ffn_up"), shape.ff_width, shape.width);
      add_matrix(name("ffn_down"), shape.width, shape.ff_width);
    }
    if (change) change(builder_);
    file = builder_.build();
  }

  const Row& tensor(const std::string& name) const { return tensors_.at(name); }
  const Row& tensor(uint32_t layer, const char* part) const {
    return tensors_.at(fmt::format("blk.{}.{}", layer, part));
  }

  ModelShape shape;
  std::vector<std::byte> file;

 private:
  // A number as a file of this type stores it, rounded towards zero.
  static std::string stored(TensorType type, float value) {
    const auto bits = std::bit_cast<uint32_t>(value);
    if (type == TensorType::f32) return GgufBuilder::bytes_of(value);
    if (type == TensorType::bf16) return GgufBuilder::bytes_of(static_cast<uint16_t>(bits >> 16));
    const uint32_t rest = bits & 0x7FFFFFFF;
    const uint32_t half = rest < 113U << 23 ? 0 : (rest - (112U << 23)) >> 13;
    return GgufBuilder::bytes_of(static_cast<uint16_t>(bits >> 31 << 15 | half));
  }

  // What that number is.
  static double read_back(TensorType type, const std::string& bytes) {
    const auto* from = reinterpret_cast<const std::byte*>(bytes.data());
    if (type == TensorType::f32) return static_cast<double>(embed::load<float>(from));
    const auto half = embed::load<uint16_t>(from);
    return static_cast<double>(type == TensorType::f16 ? embed::f16_to_float(half)
                                                       : embed::bf16_to_float(half));
  }

  // A block of numbers below 0.49, with a scale of 2^-8.
  static void append_q8_0(const float* values, Row& row, std::string& data) {
    data += GgufBuilder::bytes_of(uint16_t{0x1C00});
    for (size_t i = 0; i < 32; ++i) {
      const auto integer = static_cast<int8_t>(std::nearbyint(values[i] * 0x1p8F));
      row.push_back(integer * 0x1p-8);
      data += GgufBuilder::bytes_of(integer);
    }
  }

  void add(const std::string& name, TensorType type, const std::vector<uint64_t>& sizes,
           const std::vector<float>& values) {
    std::string data;
    Row& row = tensors_[name];
    if (type == TensorType::q8_0) {
      for (size_t first = 0; first < values.size(); first += 32) {
        append_q8_0(values.data() + first, row, data);
      }
    } else {
      for (const float value : values) {
        const std::string bytes = stored(type, value);
        row.push_back(read_back(type, bytes));
        data += bytes;
      }
    }
    builder_.tensor(name + ".weight", type, sizes, data);
  }

  void add_matrix(const std::string& name, uint64_t rows, uint64_t columns) {
    add(name, type_, {columns, rows}, random_floats(rows * columns, 0.4F));
  }

  // Norms are always F32, as converters write them, and near one.
  void add_norm(const std::string& name, uint64_t width) {
    std::vector<float> values = random_floats(width, 0.5F);
    for (float& value : values) value += 1;
    add(name, TensorType::f32, {width}, values);
  }

  TensorType type_;
  GgufBuilder builder_;
  std::map<std::string, Row> tensors_;
};

}  // namespace runed::test
