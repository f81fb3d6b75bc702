// Any bytes as a safetensors file, and as an index of several: what is accepted lies inside them, each
// tensor of the size that its shape gives, and together they fill the file.

#include <span>

#include "base/check.hpp"
#include "embed/model/hf/safetensors.hpp"

using runed::embed::hf::parse_safetensors;
using runed::embed::hf::parse_safetensors_index;
using runed::embed::hf::SafeTensor;

namespace {

void check_inside(const SafeTensor& tensor, std::span<const std::byte> bytes) {
  CHECK(tensor.data.data() >= bytes.data());
  CHECK(tensor.data.data() + tensor.data.size() <= bytes.data() + bytes.size());
  uint64_t elements = 1;
  for (const uint64_t size : tensor.shape) elements *= size;
  CHECK(tensor.data.size() % (elements == 0 ? 1 : elements) == 0);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::span bytes = std::as_bytes(std::span(data, size));
  if (const auto index = parse_safetensors_index("index", bytes)) {
    CHECK(!index->empty());
    for (const auto& [tensor, file] : *index) CHECK(file.find('/') == std::string::npos);
  }
  const auto tensors = parse_safetensors("file", bytes);
  if (!tensors.has_value()) {
    CHECK(!tensors.error().message.empty());
    return 0;
  }
  size_t sum = 0;
  for (const SafeTensor& tensor : *tensors) {
    check_inside(tensor, bytes);
    sum += tensor.data.size();
  }
  CHECK(sum <= size);
  return 0;
}
