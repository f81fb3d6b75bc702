#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "embed/model/tensor_type.hpp"

namespace runed::test {

/// Writes small GGUF files for tests, right ones and (through the raw parts) wrong ones.
class GgufBuilder {
 public:
  /// Sets a value, in place of an older one of this key. The C++ type decides the stored type.
  template <typename T>
  GgufBuilder& set(std::string_view key, const T& value) {
    return set_raw(key, type_of<T>(), bytes_of(value));
  }

  GgufBuilder& set(std::string_view key, const char* value) { return set(key, std::string(value)); }

  template <typename T>
  GgufBuilder& set(std::string_view key, const std::vector<T>& values) {
    std::string bytes = bytes_of(type_of<T>()) + bytes_of(uint64_t{values.size()});
    for (const T& value : values) bytes += bytes_of(value);
    return set_raw(key, kArray, bytes);
  }

  /// Sets the stored type and the bytes behind it.
  GgufBuilder& set_raw(std::string_view key, uint32_t type, std::string_view bytes) {
    erase(key);
    return add_raw(key, type, bytes);
  }

  /// As set_raw, but keeps an older value of this key.
  GgufBuilder& add_raw(std::string_view key, uint32_t type, std::string_view bytes) {
    values_.emplace_back(key, bytes_of(type) + std::string(bytes));
    return *this;
  }

  GgufBuilder& erase(std::string_view key) {
    std::erase_if(values_, [key](const auto& value) { return value.first == key; });
    return *this;
  }

  /// Adds a tensor, its data right behind that of the one before.
  GgufBuilder& tensor(std::string_view name, embed::TensorType type,
                      const std::vector<uint64_t>& shape, std::string_view data) {
    data_.resize((data_.size() + kAlignment - 1) / kAlignment * kAlignment);
    tensor_raw(name, static_cast<uint32_t>(type), shape, data_.size());
    data_ += data;
    return *this;
  }

  /// Adds an entry of the tensor table, without data.
  GgufBuilder& tensor_raw(std::string_view name, uint32_t type, const std::vector<uint64_t>& shape,
                          uint64_t offset) {
    table_ += bytes_of(std::string(name)) + bytes_of(static_cast<uint32_t>(shape.size()));
    for (const uint64_t size : shape) table_ += bytes_of(size);
    table_ += bytes_of(type) + bytes_of(offset);
    ++tensor_count_;
    return *this;
  }

  /// Returns the file.
  std::vector<std::byte> build(uint32_t version = 3) const {
    std::string file =
        "GGUF" + bytes_of(version) + bytes_of(tensor_count_) + bytes_of(uint64_t{values_.size()});
    for (const auto& [key, value] : values_) file += bytes_of(key) + value;
    file += table_;
    if (tensor_count_ > 0) file.resize((file.size() + kAlignment - 1) / kAlignment * kAlignment);
    file += data_;
    std::vector<std::byte> bytes(file.size());
    std::memcpy(bytes.data(), file.data(), file.size());
    return bytes;
  }

  /// Returns a value as it is stored.
  template <typename T>
  static std::string bytes_of(const T& value) {
    if constexpr (std::is_same_v<T, std::string>) {
      return bytes_of(uint64_t{value.size()}) + value;
    } else {
      return {reinterpret_cast<const char*>(&value), sizeof value};
    }
  }

 private:
  static constexpr size_t kAlignment = 32;
  static constexpr uint32_t kArray = 9;

  // Source: GGUF specification, gguf_metadata_value_type.
  template <typename T>
  static constexpr uint32_t type_of() {
    if constexpr (std::is_same_v<T, uint8_t>) return 0;
    if constexpr (std::is_same_v<T, int8_t>) return 1;
    if constexpr (std::is_same_v<T, uint16_t>) return 2;
    if constexpr (std::is_same_v<T, int16_t>) return 3;
    if constexpr (std::is_same_v<T, uint32_t>) return 4;
    if constexpr (std::is_same_v<T, int32_t>) return 5;
    if constexpr (std::is_same_v<T, float>) return 6;
    if constexpr (std::is_same_v<T, bool>) return 7;
    if constexpr (std::is_same_v<T, std::string>) return 8;
    if constexpr (std::is_same_v<T, uint64_t>) return 10;
    if constexpr (std::is_same_v<T, int64_t>) return 11;
    if constexpr (std::is_same_v<T, double>) return 12;
  }

  std::vector<std::pair<std::string, std::string>> values_;
  std::string table_;
  std::string data_;
  uint64_t tensor_count_ = 0;
};

/// Returns the 256 tokens that stand for bytes, in the order of the bytes.
inline std::vector<std::string> byte_tokens() {
  std::vector<std::string> tokens;
  unsigned next = 256;
  for (unsigned byte = 0; byte < 256; ++byte) {
    const bool visible = (byte > 32 && byte < 127) || (byte > 160 && byte != 173);
    const unsigned point = visible ? byte : next++;
    const std::string two{static_cast<char>(0xC0 + point / 64),
                          static_cast<char>(128 + point % 64)};
    tokens.push_back(point < 128 ? std::string(1, static_cast<char>(point)) : two);
  }
  return tokens;
}

/// Returns a builder with a header that the gate accepts: 2 layers, 64 wide, 4 heads of 16, 2 of
/// them for keys and values. The vocabulary has the bytes in their order, then 256 `ab`, 257 `abc`,
/// 258 `bc`, 259 a space with `a`, 260 the special token `<tool>` and 261 the EOS.
inline GgufBuilder small_qwen3() {
  std::vector<std::string> tokens = byte_tokens();
  tokens.insert(tokens.end(), {"ab", "abc", "bc", "\u0120a", "<tool>", "<|endoftext|>"});
  std::vector<int32_t> types(tokens.size(), 1);
  types[260] = 4;
  types[261] = 3;
  GgufBuilder builder;
  builder.set("general.architecture", "qwen3")
      .set("general.name", "small")
      .set("qwen3.block_count", uint32_t{2})
      .set("qwen3.context_length", uint32_t{128})
      .set("qwen3.embedding_length", uint32_t{64})
      .set("qwen3.feed_forward_length", uint32_t{96})
      .set("qwen3.attention.head_count", uint32_t{4})
      .set("qwen3.attention.head_count_kv", uint32_t{2})
      .set("qwen3.attention.key_length", uint32_t{16})
      .set("qwen3.attention.value_length", uint32_t{16})
      .set("qwen3.attention.layer_norm_rms_epsilon", 1e-6F)
      .set("qwen3.rope.freq_base", 1e6F)
      .set("qwen3.pooling_type", uint32_t{3})
      .set("tokenizer.ggml.model", "gpt2")
      .set("tokenizer.ggml.pre", "qwen2")
      .set("tokenizer.ggml.tokens", tokens)
      .set("tokenizer.ggml.token_type", types)
      .set("tokenizer.ggml.merges", std::vector<std::string>{"b c", "a b", "\u0120 a", "a bc"})
      .set("tokenizer.ggml.eos_token_id", uint32_t{261})
      .set("tokenizer.ggml.add_eos_token", true);
  return builder;
}

/// Returns a builder with a header of an architecture that is not ours, and which llama-server may
/// serve: it says all that has to be known.
inline GgufBuilder small_llama_embed() {
  return small_qwen3()
      .set("general.architecture", "llama-embed")
      .set("llama-embed.attention.causal", false)
      .set("llama-embed.pooling_type", uint32_t{1})
      .set("tokenizer.ggml.model", "bert");
}

/// Returns a builder with the header of a WordPiece vocabulary alone, whose tokens are spelled as
/// llama.cpp's converter does, the first five of them special: padding, unknown, beginning, end, mask.
inline GgufBuilder small_word_piece(const std::vector<std::string>& tokens) {
  std::vector<int32_t> types(tokens.size(), 1);
  for (size_t i = 0; i < types.size() && i < 5; ++i) types[i] = 3;
  GgufBuilder builder;
  builder.set("general.architecture", "bert")
      .set("tokenizer.ggml.model", "bert")
      .set("tokenizer.ggml.tokens", tokens)
      .set("tokenizer.ggml.token_type", types)
      .set("tokenizer.ggml.unknown_token_id", uint32_t{1});
  return builder;
}

}  // namespace runed::test
