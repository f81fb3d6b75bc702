// Source: sentence-transformers, models/StaticEmbedding.py, load; model2vec, model.py, of the tensors
// `embeddings`, `mapping` and `weights`.
#include "embed/model/hf/static_table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <utility>

#include "base/text.hpp"
#include "embed/model/hf/hf_tensors.hpp"
#include "embed/model/hf/json_fields.hpp"
#include "embed/model/quantize.hpp"

namespace runed::embed::hf {
namespace {

constexpr std::string_view kTable = "token_embd.weight";

struct Parts {
  const SafeTensor* rows = nullptr;
  const SafeTensor* mapping = nullptr;  // Of each token, its row.
  const SafeTensor* weights = nullptr;  // Of each token, what its row is multiplied by.
};

Result<Parts> find_parts(const std::vector<SafeTensor>& tensors) {
  Parts parts;
  for (const SafeTensor& tensor : tensors) {
    const SafeTensor** place = nullptr;
    if (tensor.name == "embedding.weight" || tensor.name == "embeddings") place = &parts.rows;
    if (tensor.name == "mapping") place = &parts.mapping;
    if (tensor.name == "weights") place = &parts.weights;
    if (place == nullptr || *place != nullptr) {
      return not_served(fmt::format("the model has a tensor '{}' that would be left out",
                                    printable(tensor.name)));
    }
    *place = &tensor;
  }
  if (parts.rows == nullptr) {
    return damaged("the model has no tensor 'embedding.weight' or 'embeddings'");
  }
  if (parts.rows->shape.size() != 2 || parts.rows->shape[0] == 0 || parts.rows->shape[1] == 0) {
    return damaged(fmt::format("tensor '{}' is no table", parts.rows->name));
  }
  return parts;
}

template <typename Number>
std::vector<Number> load(std::span<const std::byte> data) {
  std::vector<Number> numbers(data.size() / sizeof(Number));
  if (!numbers.empty()) std::memcpy(numbers.data(), data.data(), numbers.size() * sizeof(Number));
  return numbers;
}

Error refuse_type(const SafeTensor& tensor) {
  return not_served(
      fmt::format("tensor '{}' has the type {}, which is not served", tensor.name, tensor.dtype));
}

// The row of each token; each its own without a mapping.
Result<std::vector<uint64_t>> read_mapping(const Parts& parts) {
  const uint64_t rows = parts.rows->shape[0];
  std::vector<uint64_t> mapping;
  if (parts.mapping == nullptr) {
    for (uint64_t row = 0; row < rows; ++row) mapping.push_back(row);
    return mapping;
  }
  const SafeTensor& tensor = *parts.mapping;
  if (tensor.dtype != "I64" && tensor.dtype != "I32") return refuse_type(tensor);
  if (tensor.shape.size() != 1) return damaged("tensor 'mapping' is no list");
  std::vector<int64_t> numbers;
  if (tensor.dtype == "I64") {
    numbers = load<int64_t>(tensor.data);
  } else {
    const auto narrow = load<int32_t>(tensor.data);
    numbers.assign(narrow.begin(), narrow.end());
  }
  for (const int64_t row : numbers) {
    if (row < 0 || static_cast<uint64_t>(row) >= rows) {
      return damaged(fmt::format("tensor 'mapping' has {}, and there are {} rows", row, rows));
    }
    mapping.push_back(static_cast<uint64_t>(row));
  }
  return mapping;
}

// The factor of each token; empty: there are none.
Result<std::vector<double>> read_factors(const Parts& parts, size_t tokens) {
  if (parts.weights == nullptr) return std::vector<double>();
  const SafeTensor& tensor = *parts.weights;
  if (tensor.shape != std::vector<uint64_t>{tokens}) {
    return damaged(
        fmt::format("tensor 'weights' has not one number for each of {} tokens", tokens));
  }
  if (tensor.dtype == "F64") return load<double>(tensor.data);
  if (!tensor.type) return refuse_type(tensor);
  std::vector<float> numbers(tokens);
  read_row(*tensor.type, tensor.data, numbers);
  return std::vector<double>(numbers.begin(), numbers.end());
}

}  // namespace

Result<PlacedTensor> read_static_table(const std::vector<SafeTensor>& tensors) {
  TRY_ASSIGN(const Parts parts, find_parts(tensors));
  TRY_ASSIGN(PlacedTensor table, place_tensor(*parts.rows, std::string(kTable), parts.rows->shape));
  if (parts.mapping == nullptr && parts.weights == nullptr) return table;
  TRY_ASSIGN(const auto mapping, read_mapping(parts));
  TRY_ASSIGN(const auto factors, read_factors(parts, mapping.size()));
  const size_t width = table.shape[0];
  // A small file may name one row many times.
  constexpr uint64_t kMostFloats = uint64_t{1} << 31;
  if (width > kMostFloats || mapping.size() > kMostFloats / std::max<size_t>(width, 1)) {
    return not_served(fmt::format("{} tokens of {} floats are more than the {} that are served",
                                  mapping.size(), width, kMostFloats));
  }
  const size_t row_bytes = table.data.size() / table.shape[1];
  auto bytes = std::make_shared<std::vector<std::byte>>(mapping.size() * width * sizeof(float));
  std::vector<float> row(width);
  for (size_t token = 0; token < mapping.size(); ++token) {
    read_row(table.type, table.data.subspan(mapping[token] * row_bytes, row_bytes), row);
    if (!factors.empty()) {
      for (float& number : row) {
        number = static_cast<float>(static_cast<double>(number) * factors[token]);
      }
    }
    std::memcpy(bytes->data() + token * width * sizeof(float), row.data(), width * sizeof(float));
  }
  table.type = TensorType::f32;
  table.shape[1] = mapping.size();
  table.data = *bytes;
  table.owned = std::move(bytes);
  return table;
}

}  // namespace runed::embed::hf
