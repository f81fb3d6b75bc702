#include "embed/model/gguf_metadata.hpp"

#include <bit>

static_assert(std::endian::native == std::endian::little, "values are stored as they are");

namespace runed::embed {
namespace {

// Source: GGUF specification, gguf_metadata_value_type.
constexpr uint32_t kU8 = 0;
constexpr uint32_t kU32 = 4;
constexpr uint32_t kI32 = 5;
constexpr uint32_t kF32 = 6;
constexpr uint32_t kBool = 7;
constexpr uint32_t kString = 8;
constexpr uint32_t kArray = 9;

}  // namespace

std::string gguf_string(std::string_view text) {
  return gguf_number(uint64_t{text.size()}).append(text);
}

std::string gguf_preamble(uint64_t tensors, uint64_t values) {
  return "GGUF" + gguf_number(uint32_t{3}) + gguf_number(tensors) + gguf_number(values);
}

void GgufMetadata::add_key(std::string_view key, uint32_t type) {
  values_ += gguf_string(key) + gguf_number(type);
  ++count_;
}

void GgufMetadata::add(std::string_view key, uint32_t value) {
  add_key(key, kU32);
  values_ += gguf_number(value);
}

void GgufMetadata::add(std::string_view key, float value) {
  add_key(key, kF32);
  values_ += gguf_number(value);
}

void GgufMetadata::add(std::string_view key, bool value) {
  add_key(key, kBool);
  values_ += gguf_number(value);
}

void GgufMetadata::add(std::string_view key, std::string_view value) {
  add_key(key, kString);
  values_ += gguf_string(value);
}

void GgufMetadata::add(std::string_view key, std::span<const std::string> values) {
  add_key(key, kArray);
  values_ += gguf_number(kString) + gguf_number(uint64_t{values.size()});
  for (const std::string& value : values) values_ += gguf_string(value);
}

void GgufMetadata::add(std::string_view key, std::span<const int32_t> values) {
  add_key(key, kArray);
  values_ += gguf_number(kI32) + gguf_number(uint64_t{values.size()});
  values_.append(reinterpret_cast<const char*>(values.data()), values.size_bytes());
}

void GgufMetadata::add(std::string_view key, std::span<const float> values) {
  add_key(key, kArray);
  values_ += gguf_number(kF32) + gguf_number(uint64_t{values.size()});
  values_.append(reinterpret_cast<const char*>(values.data()), values.size_bytes());
}

void GgufMetadata::add(std::string_view key, std::span<const std::byte> bytes) {
  add_key(key, kArray);
  values_ += gguf_number(kU8) + gguf_number(uint64_t{bytes.size()});
  values_.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

std::string GgufMetadata::file() const {
  return gguf_preamble(0, count_) + values_;
}

}  // namespace runed::embed
