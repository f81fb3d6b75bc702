#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "embed/model/tensor_type.hpp"

namespace runed::embed::hf {

/// One tensor of a safetensors file.
struct SafeTensor {
  std::string name;
  std::optional<TensorType> type;  // None: of numbers that no weight has, such as I64.
  std::string dtype;               // As the file spells it: `BF16`.
  std::vector<uint64_t> shape;     // Slowest-varying dimension first, as PyTorch has it.
  std::span<const std::byte> data;
};

/// Parses a safetensors file, and checks every length, offset and shape against it. The tensors
/// borrow its bytes; their data are not aligned in general.
/// Errors: model_corrupt, with `file` as its name, for anything that the format does not allow: data
///         that overlap, leave a hole or are not of the size of their shape.
/// Source: huggingface/safetensors, README.md, "Format".
Result<std::vector<SafeTensor>> parse_safetensors(std::string_view file,
                                                  std::span<const std::byte> bytes);

/// Parses model.safetensors.index.json: which file has which tensor.
/// Errors: model_corrupt; also where a file is not a plain name beside the index.
Result<std::map<std::string, std::string>> parse_safetensors_index(
    std::string_view file, std::span<const std::byte> bytes);

}  // namespace runed::embed::hf
