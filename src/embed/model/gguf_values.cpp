// The typed getters of Gguf. The parser has checked every length that it keeps, so that reading
// cannot fail; what may be wrong here is the type. The lengths of an array's strings are read once
// more, and who writes to the file meanwhile can have changed them.

#include <fmt/format.h>

#include <cstring>
#include <utility>

#include "base/text.hpp"
#include "embed/model/gguf.hpp"

namespace runed::embed {
namespace {

template <typename T>
T load(std::span<const std::byte> bytes, uint64_t index = 0) {
  T value;
  std::memcpy(&value, bytes.data() + index * sizeof value, sizeof value);
  return value;
}

template <typename To, typename From>
bool convert(std::span<const std::byte> bytes, uint64_t count, std::vector<To>& values) {
  values.resize(count);
  bool fits = true;
  for (uint64_t i = 0; i < count; ++i) {
    const From value = load<From>(bytes, i);
    fits = fits && std::in_range<To>(value);
    values[i] = static_cast<To>(value);
  }
  return fits;
}

Error unexpected_type(std::string_view key, std::string_view found, std::string_view expected) {
  return make_error(ErrorCode::model_unsupported, "key '{}' is {} where {} was expected", key,
                    found, expected);
}

Error changed_meanwhile(std::string_view key) {
  return make_error(ErrorCode::model_corrupt, "key '{}' was written to while it was read", key);
}

}  // namespace

std::string Gguf::describe(const Value& value) {
  const auto name = [](ValueType type) {
    switch (type) {
      case ValueType::f32:
      case ValueType::f64:
        return "float";
      case ValueType::boolean:
        return "bool";
      case ValueType::string:
        return "string";
      default:
        return "integer";
    }
  };
  if (value.type == ValueType::array) {
    return fmt::format("an array of {} {}s", value.count, name(value.element_type));
  }
  return fmt::format("of type {}", name(value.type));
}

Result<const Gguf::Value*> Gguf::value_of(std::string_view key) const {
  const auto found = values_.find(key);
  if (found == values_.end()) {
    return make_error(ErrorCode::model_unsupported, "key '{}' is missing", key);
  }
  return &found->second;
}

Result<const Gguf::Value*> Gguf::array_of(std::string_view key) const {
  TRY_ASSIGN(const Value* value, value_of(key));
  if (value->type != ValueType::array) return unexpected_type(key, describe(*value), "an array");
  return value;
}

Result<uint64_t> Gguf::unsigned_value(std::string_view key) const {
  TRY_ASSIGN(const Value* value, value_of(key));
  int64_t number = 0;
  switch (value->type) {
    case ValueType::u8:
      return load<uint8_t>(value->bytes);
    case ValueType::u16:
      return load<uint16_t>(value->bytes);
    case ValueType::u32:
      return load<uint32_t>(value->bytes);
    case ValueType::u64:
      return load<uint64_t>(value->bytes);
    case ValueType::i8:
      number = load<int8_t>(value->bytes);
      break;
    case ValueType::i16:
      number = load<int16_t>(value->bytes);
      break;
    case ValueType::i32:
      number = load<int32_t>(value->bytes);
      break;
    case ValueType::i64:
      number = load<int64_t>(value->bytes);
      break;
    default:
      return unexpected_type(key, describe(*value), "an integer");
  }
  if (number < 0) return unexpected_type(key, fmt::to_string(number), "an unsigned integer");
  return static_cast<uint64_t>(number);
}

Result<double> Gguf::float_value(std::string_view key) const {
  TRY_ASSIGN(const Value* value, value_of(key));
  if (value->type == ValueType::f32) return static_cast<double>(load<float>(value->bytes));
  if (value->type == ValueType::f64) return load<double>(value->bytes);
  return unexpected_type(key, describe(*value), "a float");
}

Result<bool> Gguf::bool_value(std::string_view key) const {
  TRY_ASSIGN(const Value* value, value_of(key));
  if (value->type != ValueType::boolean) return unexpected_type(key, describe(*value), "a bool");
  return load<uint8_t>(value->bytes) != 0;
}

Result<std::string_view> Gguf::string_value(std::string_view key) const {
  TRY_ASSIGN(const Value* value, value_of(key));
  if (value->type != ValueType::string) return unexpected_type(key, describe(*value), "a string");
  return std::string_view{reinterpret_cast<const char*>(value->bytes.data()), value->bytes.size()};
}

Result<std::vector<std::string_view>> Gguf::string_array(std::string_view key) const {
  TRY_ASSIGN(const Value* value, array_of(key));
  if (value->element_type != ValueType::string) {
    return unexpected_type(key, describe(*value), "an array of strings");
  }
  std::vector<std::string_view> strings;
  strings.reserve(value->count);
  std::span<const std::byte> rest = value->bytes;
  for (uint64_t i = 0; i < value->count; ++i) {
    if (rest.size() < sizeof(uint64_t)) return changed_meanwhile(key);
    const auto length = load<uint64_t>(rest);
    rest = rest.subspan(sizeof length);
    if (length > rest.size()) return changed_meanwhile(key);
    strings.emplace_back(reinterpret_cast<const char*>(rest.data()), length);
    rest = rest.subspan(length);
  }
  return strings;
}

Result<std::vector<int32_t>> Gguf::int_array(std::string_view key) const {
  TRY_ASSIGN(const Value* value, array_of(key));
  std::vector<int32_t> values;
  const auto convert_all = [&] {
    switch (value->element_type) {
      case ValueType::u8:
        return convert<int32_t, uint8_t>(value->bytes, value->count, values);
      case ValueType::i8:
        return convert<int32_t, int8_t>(value->bytes, value->count, values);
      case ValueType::u16:
        return convert<int32_t, uint16_t>(value->bytes, value->count, values);
      case ValueType::i16:
        return convert<int32_t, int16_t>(value->bytes, value->count, values);
      case ValueType::u32:
        return convert<int32_t, uint32_t>(value->bytes, value->count, values);
      case ValueType::i32:
        return convert<int32_t, int32_t>(value->bytes, value->count, values);
      case ValueType::u64:
        return convert<int32_t, uint64_t>(value->bytes, value->count, values);
      case ValueType::i64:
        return convert<int32_t, int64_t>(value->bytes, value->count, values);
      default:
        return false;
    }
  };
  if (!convert_all()) {
    return unexpected_type(key, describe(*value), "an array of 32-bit integers");
  }
  return values;
}

Result<std::vector<bool>> Gguf::bool_array(std::string_view key) const {
  TRY_ASSIGN(const Value* value, array_of(key));
  if (value->element_type != ValueType::boolean) {
    return unexpected_type(key, describe(*value), "an array of booleans");
  }
  std::vector<bool> values;
  for (const std::byte byte : value->bytes) values.push_back(byte != std::byte{0});
  return values;
}

Result<std::vector<float>> Gguf::float_array(std::string_view key) const {
  TRY_ASSIGN(const Value* value, array_of(key));
  if (value->element_type != ValueType::f32) {
    return unexpected_type(key, describe(*value), "an array of 32-bit floats");
  }
  std::vector<float> values(value->count);
  for (uint64_t i = 0; i < value->count; ++i) values[i] = load<float>(value->bytes, i);
  return values;
}

Result<std::span<const std::byte>> Gguf::byte_array(std::string_view key) const {
  TRY_ASSIGN(const Value* value, array_of(key));
  if (value->element_type != ValueType::u8 && value->element_type != ValueType::i8) {
    return unexpected_type(key, describe(*value), "an array of bytes");
  }
  return value->bytes;
}

Result<uint64_t> Gguf::array_size(std::string_view key) const {
  TRY_ASSIGN(const Value* value, array_of(key));
  return value->count;
}

const Tensor* Gguf::find_tensor(std::string_view name) const {
  const auto found = tensor_indices_.find(name);
  return found == tensor_indices_.end() ? nullptr : &tensors_[found->second];
}

}  // namespace runed::embed
