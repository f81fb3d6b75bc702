#include "embed/model/hf/safetensors.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include "base/text.hpp"
#include "embed/model/hf/json_fields.hpp"

namespace runed::embed::hf {
namespace {

constexpr uint64_t kMostHeaderBytes = 100'000'000;  // Source: safetensors, MAX_HEADER_SIZE.
constexpr size_t kMostDimensions = 8;

struct Dtype {
  std::string_view name;
  uint64_t bits;
  std::optional<TensorType> type;
};

// Source: safetensors, enum Dtype.
constexpr std::array kDtypes{
    Dtype{"F32", 32, TensorType::f32},
    Dtype{"F16", 16, TensorType::f16},
    Dtype{"BF16", 16, TensorType::bf16},
    Dtype{"F64", 64, {}},
    Dtype{"I64", 64, {}},
    Dtype{"U64", 64, {}},
    Dtype{"I32", 32, {}},
    Dtype{"U32", 32, {}},
    Dtype{"I16", 16, {}},
    Dtype{"U16", 16, {}},
    Dtype{"I8", 8, {}},
    Dtype{"U8", 8, {}},
    Dtype{"BOOL", 8, {}},
    Dtype{"F8_E4M3", 8, {}},
    Dtype{"F8_E5M2", 8, {}},
    Dtype{"F8_E8M0", 8, {}},
    Dtype{"C64", 64, {}},
};

Error fault(std::string_view file, std::string_view what) {
  return damaged(fmt::format("{}: {}", file, what));
}

Error fault_of(std::string_view file, const SafeTensor& tensor, std::string_view what) {
  return fault(file, fmt::format("tensor '{}' {}", printable(tensor.name), what));
}

std::optional<uint64_t> find_size_bytes(const SafeTensor& tensor, uint64_t bits) {
  uint64_t size = bits / 8;
  for (const uint64_t dimension : tensor.shape) {
    if (__builtin_mul_overflow(size, dimension, &size)) return std::nullopt;
  }
  return size;
}

// A list of whole numbers; none if it is anything else.
std::optional<std::vector<uint64_t>> find_numbers(const Json* json, size_t most) {
  if (json == nullptr || !json->is_array() || json->size() > most) return std::nullopt;
  std::vector<uint64_t> numbers;
  for (const Json& each : *json) {
    if (!each.is_number_unsigned()) return std::nullopt;
    numbers.push_back(each.get<uint64_t>());
  }
  return numbers;
}

Result<SafeTensor> read_tensor(const std::string& file, const std::string& name, const Json& json,
                               std::span<const std::byte> buffer) {
  SafeTensor tensor{.name = name, .type = {}, .dtype = {}, .shape = {}, .data = {}};
  TRY_ASSIGN(const Fields fields, Fields::of(file, name, json));
  TRY_ASSIGN(tensor.dtype, fields.get_text("dtype"));
  const auto* dtype = std::ranges::find(kDtypes, tensor.dtype, &Dtype::name);
  if (dtype == kDtypes.end()) {
    return not_served(fmt::format("{}: tensor '{}' has the type '{}', which is not known", file,
                                  printable(name), printable(tensor.dtype)));
  }
  tensor.type = dtype->type;
  auto shape = find_numbers(fields.find("shape"), kMostDimensions);
  if (!shape) return fault_of(file, tensor, "has no shape of at most 8 whole numbers");
  tensor.shape = *std::move(shape);
  const auto offsets = find_numbers(fields.find("data_offsets"), 2);
  if (!offsets || offsets->size() != 2) return fault_of(file, tensor, "has no two data_offsets");
  const uint64_t begin = offsets->front();
  const uint64_t end = offsets->back();
  if (begin > end || end > buffer.size()) {
    return fault_of(file, tensor,
                    fmt::format("has data from {} to {} in a file of {} bytes of data", begin, end,
                                buffer.size()));
  }
  if (const auto size = find_size_bytes(tensor, dtype->bits); !size || *size != end - begin) {
    return fault_of(file, tensor,
                    fmt::format("has {} bytes of data, which its shape and {} do not give",
                                end - begin, dtype->name));
  }
  tensor.data = buffer.subspan(begin, end - begin);
  return tensor;
}

// The data fill the file, one tensor's right behind another's: nothing else may be in it.
Status check_filled(std::string_view file, const std::vector<SafeTensor>& tensors,
                    std::span<const std::byte> buffer) {
  std::vector<const SafeTensor*> in_order;
  for (const SafeTensor& tensor : tensors) in_order.push_back(&tensor);
  std::ranges::sort(in_order, {}, [](const SafeTensor* tensor) {
    return std::pair(tensor->data.data(), tensor->data.size());
  });
  const std::byte* filled = buffer.data();
  for (const SafeTensor* tensor : in_order) {
    if (tensor->data.data() != filled) {
      return fault_of(file, *tensor,
                      tensor->data.data() < filled ? "has data that are another's too"
                                                   : "has a hole before its data");
    }
    filled += tensor->data.size();
  }
  const size_t left = buffer.data() + buffer.size() - filled;
  if (left > 0) return fault(file, fmt::format("{} bytes at its end belong to no tensor", left));
  return {};
}

}  // namespace

Result<std::vector<SafeTensor>> parse_safetensors(std::string_view file,
                                                  std::span<const std::byte> bytes) {
  uint64_t header_bytes = 0;
  if (bytes.size() < sizeof header_bytes) {
    return fault(file, fmt::format("it has {} bytes, and no safetensors header", bytes.size()));
  }
  std::memcpy(&header_bytes, bytes.data(), sizeof header_bytes);
  const std::span<const std::byte> rest = bytes.subspan(sizeof header_bytes);
  if (header_bytes > kMostHeaderBytes || header_bytes > rest.size()) {
    return fault(file, fmt::format("it claims a header of {} bytes in a file of {}: cut short, or "
                                   "not a safetensors file",
                                   header_bytes, bytes.size()));
  }
  TRY_ASSIGN(const Json header, parse_file(file, rest.first(header_bytes)));
  TRY_ASSIGN(const Fields fields, Fields::of(std::string(file), {}, header));
  const std::span<const std::byte> buffer = rest.subspan(header_bytes);
  std::vector<SafeTensor> tensors;
  for (const auto& [name, json] : header.items()) {
    if (name == "__metadata__") continue;
    TRY_ASSIGN(SafeTensor tensor, read_tensor(fields.file(), name, json, buffer));
    tensors.push_back(std::move(tensor));
  }
  TRY(check_filled(file, tensors, buffer));
  return tensors;
}

Result<std::map<std::string, std::string>> parse_safetensors_index(
    std::string_view file, std::span<const std::byte> bytes) {
  TRY_ASSIGN(const Json json, parse_file(file, bytes));
  TRY_ASSIGN(const Fields fields, Fields::of(std::string(file), {}, json));
  TRY_ASSIGN(const Fields map, fields.get_object("weight_map"));
  std::map<std::string, std::string> files;
  for (const auto& [tensor, shard] : map.json().items()) {
    const auto name = shard.is_string() ? shard.get<std::string>() : std::string();
    if (name.empty() || name.find('/') != std::string::npos || name.starts_with('.') ||
        name.find('\0') != std::string::npos) {
      return damaged(fmt::format("{} is not the name of a file beside it", map.place_of(tensor)));
    }
    files.emplace(tensor, name);
  }
  if (files.empty()) return fault(file, "it names no tensor");
  return files;
}

}  // namespace runed::embed::hf
