#include "embed/model/gguf.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <optional>
#include <utility>
#include <vector>

#include "base/text.hpp"

static_assert(std::endian::native == std::endian::little, "values are read as they are stored");

namespace runed::embed {
namespace {

constexpr uint64_t kDefaultAlignment = 32;  // Source: GGUF specification, general.alignment.
constexpr uint64_t kLeastAlignment = 8;     // Source: the same; numbers can be read in place.
constexpr uint64_t kMostKeyBytes = 65535;   // Source: GGUF specification, gguf_metadata_kv_t.key.

// The least that one entry of a table takes: a count above what is left over this is a lie, and is
// found out before anything is reserved for it.
constexpr uint64_t kLeastValueBytes = 8 + 4 + 1;  // Key length, type, the value.
constexpr uint64_t kLeastTensorBytes =
    8 + 4 + 8 + 4 + 8;                     // Name length, rank, a size, type, offset.
constexpr uint64_t kLeastStringBytes = 8;  // Its length.

// What is reserved for it at most: a file with a hole has room for any count.
constexpr uint64_t kMostReserved = 65536;
constexpr uint64_t kMostStrings = uint64_t{1} << 24;  // Of an array; a vocabulary has 2^18.

// A place in the file that only moves within it. A failed `take` leaves it where it was.
class Cursor {
 public:
  explicit Cursor(std::span<const std::byte> file) : file_(file) {}

  size_t offset() const { return offset_; }
  uint64_t remaining() const { return file_.size() - offset_; }

  template <typename T>
  bool take(T& value) {
    if (remaining() < sizeof value) return false;
    std::memcpy(&value, file_.data() + offset_, sizeof value);
    offset_ += sizeof value;
    return true;
  }

  bool take(uint64_t length, std::span<const std::byte>& bytes) {
    if (remaining() < length) return false;
    bytes = file_.subspan(offset_, length);
    offset_ += length;
    return true;
  }

  bool take_string(std::span<const std::byte>& bytes) {
    Cursor next = *this;
    uint64_t length = 0;
    if (!next.take(length) || !next.take(length, bytes)) return false;
    *this = next;
    return true;
  }

 private:
  std::span<const std::byte> file_;
  size_t offset_ = 0;
};

std::string_view as_text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

template <typename... Args>
Error corrupt(fmt::format_string<Args...> format, Args&&... args) {
  return make_error(ErrorCode::model_corrupt, format, std::forward<Args>(args)...)
      .with_hint("the file is damaged, or none of a model: get it once more, or name another");
}

// How many bytes a tensor takes; none if the product does not fit.
std::optional<uint64_t> find_size_bytes(const Tensor& tensor, const BlockLayout& layout) {
  uint64_t size = tensor.columns() / layout.block_elements;
  if (__builtin_mul_overflow(size, layout.block_bytes, &size)) return std::nullopt;
  for (size_t i = 1; i < tensor.shape.size(); ++i) {
    if (__builtin_mul_overflow(size, tensor.shape[i], &size)) return std::nullopt;
  }
  return size;
}

}  // namespace

// Reads a file front to back: preamble, values, tensor table; then finds each tensor's data.
class Gguf::Parser {
 public:
  explicit Parser(std::span<const std::byte> file) : file_(file), cursor_(file) {}

  Result<Gguf> parse() {
    TRY(read_preamble());
    TRY(read_values());
    TRY(read_tensors());
    return std::move(gguf_);
  }

  Result<Gguf> parse_metadata() {
    TRY(read_preamble());
    TRY(read_values());
    return std::move(gguf_);
  }

 private:
  Status read_preamble();
  Status read_values();
  Status read_value(std::string_view key);
  Status read_array(std::string_view key, Value& value);
  Status read_strings(std::string_view key, Value& value);
  Status read_tensors();
  Status read_tensor(uint64_t index);
  Status place_tensors();
  Status check_apart() const;
  Result<std::string_view> read_key(std::string_view part);
  Result<uint64_t> read_alignment() const;
  Error cut_short(std::string_view part, size_t start) const;

  // The bytes of a value of fixed size; 0 for a string, an array, or a type that is not known.
  static uint64_t fixed_size(ValueType type);

  std::span<const std::byte> file_;
  Cursor cursor_;
  uint64_t value_count_ = 0;
  uint64_t tensor_count_ = 0;
  std::vector<uint64_t> tensor_offsets_;  // From the start of the data section.
  Gguf gguf_;
};

uint64_t Gguf::Parser::fixed_size(ValueType type) {
  switch (type) {
    case ValueType::u8:
    case ValueType::i8:
    case ValueType::boolean:
      return 1;
    case ValueType::u16:
    case ValueType::i16:
      return 2;
    case ValueType::u32:
    case ValueType::i32:
    case ValueType::f32:
      return 4;
    case ValueType::u64:
    case ValueType::i64:
    case ValueType::f64:
      return 8;
    case ValueType::string:
    case ValueType::array:
      break;
  }
  return 0;
}

Error Gguf::Parser::cut_short(std::string_view part, size_t start) const {
  return corrupt("GGUF file of {} bytes ends inside {} at byte {}", file_.size(), part, start);
}

Status Gguf::Parser::read_preamble() {
  std::span<const std::byte> magic;
  if (!cursor_.take(4, magic)) return cut_short("the magic number", 0);
  if (as_text(magic) != "GGUF") {
    return corrupt("not a GGUF file: it starts with '{}'", printable(as_text(magic)));
  }
  uint32_t version = 0;
  if (!cursor_.take(version)) return cut_short("the version", 4);
  if (version != 0 && (version & 0xFFFF) == 0) {
    return make_error(ErrorCode::model_unsupported, "GGUF file is big-endian (version bytes {:#x})",
                      version)
        .with_hint("use the little-endian file of the model");
  }
  if (version != 2 && version != 3) {
    return make_error(ErrorCode::model_unsupported, "GGUF version is {} where 2 or 3 was expected",
                      version);
  }
  if (!cursor_.take(tensor_count_) || !cursor_.take(value_count_)) {
    return cut_short("the counts", 8);
  }
  if (value_count_ > cursor_.remaining() / kLeastValueBytes) {
    return corrupt("GGUF file of {} bytes claims {} metadata values", file_.size(), value_count_);
  }
  return {};
}

Result<std::string_view> Gguf::Parser::read_key(std::string_view part) {
  const size_t start = cursor_.offset();
  std::span<const std::byte> key;
  if (!cursor_.take_string(key)) return cut_short(part, start);
  if (key.size() > kMostKeyBytes) {
    return corrupt("{} at byte {} has {} bytes; {} are allowed", part, start, key.size(),
                   kMostKeyBytes);
  }
  return as_text(key);
}

Status Gguf::Parser::read_values() {
  const size_t start = cursor_.offset();
  gguf_.values_.reserve(std::min(value_count_, kMostReserved));
  for (uint64_t i = 0; i < value_count_; ++i) {
    TRY_ASSIGN(const std::string_view key, read_key("a metadata key"));
    TRY(read_value(key));
  }
  gguf_.stored_values_ = file_.subspan(start, cursor_.offset() - start);
  return {};
}

Status Gguf::Parser::read_value(std::string_view key) {
  const size_t start = cursor_.offset();
  Value value;
  if (!cursor_.take(value.type)) {
    return cut_short(fmt::format("the type of key '{}'", printable(key)), start);
  }
  if (value.type == ValueType::array) {
    TRY(read_array(key, value));
  } else if (value.type == ValueType::string) {
    if (!cursor_.take_string(value.bytes)) {
      return cut_short(fmt::format("the value of key '{}'", printable(key)), start);
    }
  } else if (const uint64_t size = fixed_size(value.type); size == 0) {
    return corrupt("key '{}' at byte {} has a value of unknown type {}", printable(key), start,
                   static_cast<uint32_t>(value.type));
  } else if (!cursor_.take(size, value.bytes)) {
    return cut_short(fmt::format("the value of key '{}'", printable(key)), start);
  }
  if (value.type == ValueType::boolean && std::to_integer<int>(value.bytes[0]) > 1) {
    return corrupt("key '{}' at byte {} has a bool of value {}", printable(key), start,
                   std::to_integer<int>(value.bytes[0]));
  }
  if (!gguf_.values_.emplace(key, value).second) {
    return corrupt("key '{}' at byte {} is there twice", printable(key), start);
  }
  return {};
}

Status Gguf::Parser::read_array(std::string_view key, Value& value) {
  const size_t start = cursor_.offset();
  if (!cursor_.take(value.element_type) || !cursor_.take(value.count)) {
    return cut_short(fmt::format("the array of key '{}'", printable(key)), start);
  }
  if (value.element_type == ValueType::string) return read_strings(key, value);
  const uint64_t size = fixed_size(value.element_type);
  if (size == 0) {
    return corrupt("key '{}' at byte {} has an array of {}", printable(key), start,
                   value.element_type == ValueType::array
                       ? "arrays"
                       : fmt::format("unknown type {}", static_cast<uint32_t>(value.element_type)));
  }
  if (value.count > cursor_.remaining() / size) {
    return corrupt("key '{}' at byte {} claims {} elements in a file of {} bytes", printable(key),
                   start, value.count, file_.size());
  }
  cursor_.take(value.count * size, value.bytes);
  if (value.element_type == ValueType::boolean) {
    for (const std::byte element : value.bytes) {
      if (std::to_integer<int>(element) <= 1) continue;
      return corrupt("key '{}' at byte {} has a bool of value {}", printable(key), start,
                     std::to_integer<int>(element));
    }
  }
  return {};
}

Status Gguf::Parser::read_strings(std::string_view key, Value& value) {
  const size_t start = cursor_.offset();
  if (value.count > cursor_.remaining() / kLeastStringBytes) {
    return corrupt("key '{}' at byte {} claims {} strings in a file of {} bytes", printable(key),
                   start, value.count, file_.size());
  }
  if (value.count > kMostStrings) {
    return corrupt("key '{}' at byte {} claims {} strings; {} are allowed", printable(key), start,
                   value.count, kMostStrings);
  }
  for (uint64_t i = 0; i < value.count; ++i) {
    std::span<const std::byte> element;
    if (!cursor_.take_string(element)) {
      return cut_short(fmt::format("element {} of key '{}'", i, printable(key)), cursor_.offset());
    }
  }
  value.bytes = file_.subspan(start, cursor_.offset() - start);
  return {};
}

Status Gguf::Parser::read_tensors() {
  if (tensor_count_ > cursor_.remaining() / kLeastTensorBytes) {
    return corrupt("GGUF file of {} bytes claims {} tensors", file_.size(), tensor_count_);
  }
  const uint64_t reserved = std::min(tensor_count_, kMostReserved);
  gguf_.tensors_.reserve(reserved);
  gguf_.tensor_indices_.reserve(reserved);
  tensor_offsets_.reserve(reserved);
  for (uint64_t i = 0; i < tensor_count_; ++i) TRY(read_tensor(i));
  return place_tensors();
}

Status Gguf::Parser::read_tensor(uint64_t index) {
  const size_t start = cursor_.offset();
  Tensor tensor;
  TRY_ASSIGN(tensor.name, read_key("a tensor name"));
  const std::string name = printable(tensor.name);
  uint32_t rank = 0;
  if (!cursor_.take(rank)) return cut_short(fmt::format("tensor '{}'", name), start);
  if (rank < 1 || rank > tensor.shape.size()) {
    return corrupt("tensor '{}' at byte {} has {} dimensions; 1 to 4 are allowed", name, start,
                   rank);
  }
  for (uint32_t i = 0; i < rank; ++i) {
    if (!cursor_.take(tensor.shape[i])) return cut_short(fmt::format("tensor '{}'", name), start);
    if (tensor.shape[i] == 0) {
      return corrupt("tensor '{}' has no elements in dimension {}", name, i);
    }
  }
  uint32_t stored_type = 0;
  uint64_t offset = 0;
  if (!cursor_.take(stored_type) || !cursor_.take(offset)) {
    return cut_short(fmt::format("tensor '{}'", name), start);
  }
  if (!find_block_layout(stored_type)) {
    return make_error(ErrorCode::model_unsupported, "tensor '{}' has type {}, which is not known",
                      name, stored_type)
        .with_hint(
            "use a file of F32, F16, BF16, Q8_0, Q6_K, Q5_K, Q4_K, Q5_1, Q5_0, Q4_1, Q4_0 or "
            "IQ4_NL tensors");
  }
  tensor.type = static_cast<TensorType>(stored_type);
  if (!gguf_.tensor_indices_.emplace(tensor.name, index).second) {
    return corrupt("tensor '{}' at byte {} is there twice", name, start);
  }
  gguf_.tensors_.push_back(tensor);
  tensor_offsets_.push_back(offset);
  return {};
}

Result<uint64_t> Gguf::Parser::read_alignment() const {
  if (!gguf_.has("general.alignment")) return kDefaultAlignment;
  TRY_ASSIGN(const uint64_t alignment, gguf_.unsigned_value("general.alignment"));
  if (!std::has_single_bit(alignment) || alignment < kLeastAlignment) {
    return corrupt("key 'general.alignment' is {}, which is not a power of two from 8", alignment);
  }
  return alignment;
}

Status Gguf::Parser::place_tensors() {
  TRY_ASSIGN(const uint64_t alignment, read_alignment());
  const uint64_t end_of_table = cursor_.offset();
  const uint64_t padding = (alignment - end_of_table % alignment) % alignment;
  // No tensors, no data section: a vocabulary-only file may end here.
  const uint64_t data_start = end_of_table + std::min(padding, cursor_.remaining());
  const uint64_t data_size = file_.size() - data_start;
  for (size_t i = 0; i < gguf_.tensors_.size(); ++i) {
    Tensor& tensor = gguf_.tensors_[i];
    const std::string name = printable(tensor.name);
    const BlockLayout layout = block_layout(tensor.type);
    if (tensor.columns() % layout.block_elements != 0) {
      return corrupt("tensor '{}' has rows of {} elements, which {} blocks of {} do not fill", name,
                     tensor.columns(), layout.name, layout.block_elements);
    }
    const std::optional<uint64_t> size = find_size_bytes(tensor, layout);
    const uint64_t offset = tensor_offsets_[i];
    if (offset % alignment != 0) {
      return corrupt("tensor '{}' has data at offset {}, which is not a multiple of {}", name,
                     offset, alignment);
    }
    if (!size || offset > data_size || *size > data_size - offset) {
      return corrupt("tensor '{}' has data past the end of the file: {} x {} x {} x {} {} at {}",
                     name, tensor.shape[0], tensor.shape[1], tensor.shape[2], tensor.shape[3],
                     layout.name, offset);
    }
    tensor.data = file_.subspan(data_start + offset, *size);
  }
  return check_apart();
}

// Two tensors never share bytes: one of them has another's weights.
Status Gguf::Parser::check_apart() const {
  std::vector<const Tensor*> in_order;
  for (const Tensor& tensor : gguf_.tensors_) in_order.push_back(&tensor);
  std::ranges::sort(in_order, {}, [](const Tensor* tensor) {
    return std::pair(tensor->data.data(), tensor->data.size());
  });
  for (size_t i = 1; i < in_order.size(); ++i) {
    const Tensor& before = *in_order[i - 1];
    if (before.data.data() + before.data.size() <= in_order[i]->data.data()) continue;
    return corrupt("tensors '{}' and '{}' have the same data", printable(before.name),
                   printable(in_order[i]->name));
  }
  return {};
}

Result<Gguf> Gguf::parse(std::span<const std::byte> file) {
  return Parser(file).parse();
}

Result<Gguf> Gguf::parse_metadata(std::span<const std::byte> file) {
  return Parser(file).parse_metadata();
}

}  // namespace runed::embed
