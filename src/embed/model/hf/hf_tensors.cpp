#include "embed/model/hf/hf_tensors.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <memory>
#include <unordered_map>
#include <utility>

#include "base/text.hpp"
#include "embed/model/quantize.hpp"

namespace runed::embed::hf {
namespace {

// What PyTorch's predecessors called the parts of a norm.
constexpr std::array<std::pair<std::string_view, std::string_view>, 2> kOldEndings{{
    {".gamma", ".weight"},
    {".beta", ".bias"},
}};

std::string shape_text(std::span<const uint64_t> shape) {
  return fmt::format("[{}]", fmt::join(shape, ", "));
}

std::string name_today(std::string_view name, std::string_view prefix) {
  if (name.starts_with(prefix)) name.remove_prefix(prefix.size());
  for (const auto& [old, today] : kOldEndings) {
    if (!name.ends_with(old)) continue;
    return std::string(name.substr(0, name.size() - old.size())).append(today);
  }
  return std::string(name);
}

PlacedTensor plus_one(PlacedTensor tensor) {
  std::vector<float> numbers(tensor.shape[0] * tensor.shape[1]);
  read_row(tensor.type, tensor.data, numbers);
  for (float& number : numbers) number += 1;
  const auto bytes = std::as_bytes(std::span(numbers));
  auto owned = std::make_shared<const std::vector<std::byte>>(bytes.begin(), bytes.end());
  tensor.type = TensorType::f32;
  tensor.data = *owned;
  tensor.owned = std::move(owned);
  return tensor;
}

PlacedTensor changed(PlacedTensor tensor, Change change, const ModelSizes& sizes) {
  if (change == Change::plus_one) return plus_one(std::move(tensor));
  if (change == Change::none) return tensor;
  const size_t row_bytes = tensor.data.size() / tensor.shape[1];
  tensor.data = tensor.data.subspan(sizes.padding_rows * row_bytes);
  tensor.shape[1] -= sizes.padding_rows;
  return tensor;
}

bool is_needed(const NameRow& row, const ModelSizes& sizes, uint32_t layer) {
  switch (row.needed) {
    case Needed::always:
      return true;
    case Needed::not_of_first:
      return layer > 0;
    case Needed::if_types:
      return sizes.types > 0;
  }
  return true;
}

/// The tensors of a checkpoint by the names of the table, each of which is taken once.
class Taker {
 public:
  Taker(const HfArchitecture& architecture, const ModelSizes& sizes, std::span<const NameRow> head)
      : architecture_(architecture), sizes_(sizes), head_(head) {}

  Status index(std::span<const SafeTensor> tensors) {
    for (const SafeTensor& tensor : tensors) {
      std::string name = name_today(tensor.name, architecture_.prefix);
      if (is_unused(name)) continue;
      if (left_.emplace(std::move(name), &tensor).second) continue;
      return damaged(fmt::format("the tensor '{}' is there under two names",
                                 printable(name_today(tensor.name, architecture_.prefix))));
    }
    return {};
  }

  Status take(const NameRow& row, const std::string& name, std::string gguf_name) {
    const auto found = left_.find(name);
    if (found == left_.end()) return damaged(fmt::format("the tensor '{}' is missing", name));
    std::vector<uint64_t> shape;
    if (row.rows != nullptr) shape.push_back(row.rows(sizes_));
    shape.push_back(row.columns(sizes_));
    TRY_ASSIGN(PlacedTensor tensor, place_tensor(*found->second, std::move(gguf_name), shape));
    placed_.push_back(changed(std::move(tensor), row.change, sizes_));
    left_.erase(found);
    return {};
  }

  // A layer that the table has not would be left out, and the vectors would be others.
  Status expect_none_left() const {
    if (left_.empty()) return {};
    const auto first = std::ranges::min_element(
        left_, {}, [](const auto& each) { return std::string_view(each.first); });
    return not_served(fmt::format("the checkpoint has a tensor '{}' that would be left out",
                                  printable(first->second->name)));
  }

  std::vector<PlacedTensor> placed() { return std::move(placed_); }

 private:
  bool is_unused(std::string_view name) const {
    if (std::ranges::find(head_, name, &NameRow::name) != head_.end()) return false;
    return std::ranges::any_of(architecture_.unused, [&](std::string_view beginning) {
      return name.starts_with(beginning);
    });
  }

  const HfArchitecture& architecture_;
  const ModelSizes& sizes_;
  const std::span<const NameRow> head_;
  std::unordered_map<std::string, const SafeTensor*> left_;
  std::vector<PlacedTensor> placed_;
};

}  // namespace

Result<PlacedTensor> place_tensor(const SafeTensor& tensor, std::string gguf_name,
                                  const std::vector<uint64_t>& shape) {
  if (!tensor.type) {
    return not_served(
        fmt::format("the tensor '{}' is of type {}", printable(tensor.name), tensor.dtype),
        "use a checkpoint of F32, F16 or BF16");
  }
  if (tensor.shape != shape) {
    return damaged(fmt::format("the tensor '{}' has the shape {} where config.json gives {}",
                               printable(tensor.name), shape_text(tensor.shape),
                               shape_text(shape)));
  }
  PlacedTensor placed{.name = std::move(gguf_name),
                      .type = *tensor.type,
                      .shape = {1, 1, 1, 1},
                      .data = tensor.data};
  std::ranges::copy(shape.rbegin(), shape.rend(), placed.shape.begin());
  return placed;
}

Result<std::vector<PlacedTensor>> place_tensors(const HfArchitecture& architecture,
                                                const ModelSizes& sizes,
                                                std::span<const SafeTensor> tensors,
                                                std::span<const NameRow> head) {
  Taker taker(architecture, sizes, head);
  TRY(taker.index(tensors));
  for (const NameRow& row : architecture.tensors) {
    if (!is_needed(row, sizes, 0)) continue;
    TRY(taker.take(row, std::string(row.name), std::string(row.gguf)));
  }
  for (uint32_t layer = 0; layer < sizes.layers; ++layer) {
    for (const NameRow& row : architecture.layer_tensors) {
      if (!is_needed(row, sizes, layer)) continue;
      TRY(taker.take(row, fmt::format("{}{}.{}", architecture.layers, layer, row.name),
                     fmt::format("blk.{}.{}", layer, row.gguf)));
    }
  }
  for (const NameRow& row : head) {
    TRY(taker.take(row, std::string(row.name), std::string(row.gguf)));
  }
  TRY(taker.expect_none_left());
  return taker.placed();
}

}  // namespace runed::embed::hf
