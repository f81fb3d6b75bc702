// A Gguf of parts that lie in no GGUF file.

#include <utility>

#include "base/text.hpp"
#include "embed/model/gguf.hpp"

namespace runed::embed {
namespace {

bool has_its_size(const PlacedTensor& tensor) {
  const BlockLayout layout = block_layout(tensor.type);
  if (tensor.shape[0] % layout.block_elements != 0) return false;
  uint64_t size = tensor.shape[0] / layout.block_elements;
  for (const uint64_t factor :
       {uint64_t{layout.block_bytes}, tensor.shape[1], tensor.shape[2], tensor.shape[3]}) {
    if (__builtin_mul_overflow(size, factor, &size)) return false;
  }
  return size > 0 && size == tensor.data.size();
}

}  // namespace

// Of a tensor only the name is used.
struct Gguf::Owned {
  std::string metadata;
  std::vector<PlacedTensor> tensors;
};

Result<Gguf> Gguf::assemble(std::string metadata, std::vector<PlacedTensor> tensors) {
  auto owned = std::make_shared<const Owned>(Owned{std::move(metadata), std::move(tensors)});
  TRY_ASSIGN(Gguf gguf, parse_metadata(std::as_bytes(std::span(owned->metadata))));
  gguf.tensors_.reserve(owned->tensors.size());
  for (const PlacedTensor& tensor : owned->tensors) {
    if (!has_its_size(tensor)) {
      return make_error(
          ErrorCode::model_corrupt, "tensor '{}' has {} bytes, which {} x {} x {} x {} {} are not",
          printable(tensor.name), tensor.data.size(), tensor.shape[0], tensor.shape[1],
          tensor.shape[2], tensor.shape[3], block_layout(tensor.type).name);
    }
    if (!gguf.tensor_indices_.emplace(tensor.name, gguf.tensors_.size()).second) {
      return make_error(ErrorCode::model_corrupt, "tensor '{}' is there twice",
                        printable(tensor.name));
    }
    gguf.tensors_.push_back({tensor.name, tensor.type, tensor.shape, tensor.data});
  }
  gguf.owned_ = std::move(owned);
  return gguf;
}

std::optional<size_t> Gguf::find_stored_u32(std::string_view key) const {
  const auto found = values_.find(key);
  if (found == values_.end() || found->second.type != ValueType::u32) return std::nullopt;
  return found->second.bytes.data() - stored_values_.data();
}

}  // namespace runed::embed
