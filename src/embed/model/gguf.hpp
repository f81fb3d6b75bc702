#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.hpp"
#include "embed/model/tensor_type.hpp"

namespace runed::embed {

/// One tensor of a file.
struct Tensor {
  std::string_view name;
  TensorType type = TensorType::f32;
  std::array<uint64_t, 4> shape{1, 1, 1, 1};  // Elements, fastest-varying dimension first.
  std::span<const std::byte> data;            // The whole tensor, inside the file.

  uint64_t columns() const { return shape[0]; }  // The length of a row.
  uint64_t rows() const { return shape[1] * shape[2] * shape[3]; }
};

/// A tensor whose data lie in another kind of file.
struct PlacedTensor {
  std::string name;
  TensorType type = TensorType::f32;
  std::array<uint64_t, 4> shape{1, 1, 1, 1};  // As of Tensor.
  std::span<const std::byte> data;            // Need not be aligned.
  std::shared_ptr<const std::vector<std::byte>>
      owned{};  // What `data` lie in, if nobody else has it.
};

/// A parsed GGUF file (version 2 or 3, little-endian). Borrows the bytes it was parsed from: every
/// view it hands out lives as long as they do.
///
/// Every count, offset, length and type is checked against the file before it is used, and nothing
/// is allocated that is larger than a small multiple of the file: a hostile file gives an Error.
class Gguf {
 public:
  /// Parses the header, the metadata and the tensor table.
  /// Errors: model_corrupt naming what is wrong and where; model_unsupported for a version or a
  ///         tensor type that is not known.
  static Result<Gguf> parse(std::span<const std::byte> file);

  /// The same without the tensor table, for who leaves the tensors to another program.
  static Result<Gguf> parse_metadata(std::span<const std::byte> file);

  /// Puts together what another kind of file says, in GGUF's own terms: `metadata` is a GGUF file
  /// without tensors. Owns that and the names, and borrows the tensors' data that they do not own.
  /// Errors: those of parse_metadata; model_corrupt if a name is there twice, or data have not the
  ///         size that type and shape give.
  static Result<Gguf> assemble(std::string metadata, std::vector<PlacedTensor> tensors);

  /// Reads a metadata value. An integer of any width is accepted where it fits.
  /// Errors: model_unsupported naming the key, and what was found where another type was expected.
  Result<uint64_t> unsigned_value(std::string_view key) const;
  Result<double> float_value(std::string_view key) const;
  Result<bool> bool_value(std::string_view key) const;
  Result<std::string_view> string_value(std::string_view key) const;
  /// Errors: also model_corrupt, since a file that is written to meanwhile can have other lengths.
  Result<std::vector<std::string_view>> string_array(std::string_view key) const;
  Result<std::vector<int32_t>> int_array(std::string_view key) const;
  Result<std::vector<bool>> bool_array(std::string_view key) const;
  Result<std::vector<float>> float_array(std::string_view key) const;
  /// The bytes of an array of such, inside the file.
  Result<std::span<const std::byte>> byte_array(std::string_view key) const;
  Result<uint64_t> array_size(std::string_view key) const;

  bool has(std::string_view key) const { return values_.contains(key); }

  /// Finds a tensor; null if the file has none of this name.
  const Tensor* find_tensor(std::string_view name) const;

  std::span<const Tensor> tensors() const { return tensors_; }

  /// The metadata as they are stored, keys, types and values, and how many there are.
  std::span<const std::byte> stored_values() const { return stored_values_; }
  uint64_t value_count() const { return values_.size(); }

  /// Where the bytes of a value begin in `stored_values`; none if the key is not there or its value
  /// is not an integer of 32 bits.
  std::optional<size_t> find_stored_u32(std::string_view key) const;

 private:
  // The file's own numbers. Source: GGUF specification, gguf_metadata_value_type.
  enum class ValueType : uint32_t {
    u8 = 0,
    i8 = 1,
    u16 = 2,
    i16 = 3,
    u32 = 4,
    i32 = 5,
    f32 = 6,
    boolean = 7,
    string = 8,
    array = 9,
    u64 = 10,
    i64 = 11,
    f64 = 12,
  };

  struct Value {
    ValueType type = ValueType::u8;
    ValueType element_type = ValueType::u8;  // Of an array.
    uint64_t count = 0;                      // Of an array.
    std::span<const std::byte> bytes;        // The value, without a string's or array's header.
  };

  class Parser;
  struct Owned;

  static std::string describe(const Value& value);
  Result<const Value*> value_of(std::string_view key) const;
  Result<const Value*> array_of(std::string_view key) const;

  std::shared_ptr<const Owned> owned_;  // Of one that was assembled.
  std::span<const std::byte> stored_values_;
  std::unordered_map<std::string_view, Value> values_;
  std::vector<Tensor> tensors_;  // In the file's order.
  std::unordered_map<std::string_view, size_t> tensor_indices_;
};

}  // namespace runed::embed
