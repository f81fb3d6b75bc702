#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace runed::embed {

/// The metadata of a GGUF file that is being made: its values in the order in which they were added,
/// each of a key of its own. Source: GGUF specification, gguf_metadata_kv_t.
class GgufMetadata {
 public:
  void add(std::string_view key, uint32_t value);
  void add(std::string_view key, float value);
  void add(std::string_view key, bool value);
  void add(std::string_view key, std::string_view value);
  void add(std::string_view key, const char* value) { add(key, std::string_view(value)); }
  void add(std::string_view key, std::span<const std::string> values);
  void add(std::string_view key, std::span<const int32_t> values);
  void add(std::string_view key, std::span<const float> values);
  void add(std::string_view key, std::span<const std::byte> bytes);

  /// The values as they are stored.
  const std::string& values() const { return values_; }
  uint64_t count() const { return count_; }

  /// A whole GGUF file of these values and no tensor.
  std::string file() const;

 private:
  void add_key(std::string_view key, uint32_t type);

  std::string values_;
  uint64_t count_ = 0;
};

/// What a GGUF file begins with: magic number, version 3, and how many tensors and values it has.
std::string gguf_preamble(uint64_t tensors, uint64_t values);

/// A number or a string as GGUF stores it.
template <typename T>
std::string gguf_number(T value) {
  return {reinterpret_cast<const char*>(&value), sizeof value};
}
std::string gguf_string(std::string_view text);

}  // namespace runed::embed
