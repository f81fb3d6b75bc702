// Any bytes as a model file: parsed, recognised, every value read in every
// way, and a tokenizer built from what is left.

#include <array>
#include <span>

#include "base/check.hpp"
#include "embed/model/gguf.hpp"
#include "embed/model/model_recognition.hpp"
#include "embed/tokenizer/tokenizer_table.hpp"

using runed::embed::Gguf;
using runed::embed::ModelSpec;
using runed::embed::Pooling;
using runed::embed::Tensor;

namespace {

// Of the corpus.
constexpr std::array kKeys{
    "flag",
    "general.alignment",
    "general.name",
    "numbers",
    "text",
    "tokenizer.ggml.merges",
    "tokenizer.ggml.token_type",
    "tokenizer.ggml.tokens",
    "wide",
    "words",
};

template <typename T>
size_t sum_of(const runed::Result<T>& result) {
  if (!result.has_value()) {
    CHECK(!result.error().message.empty());
    return 0;
  }
  size_t sum = 0;
  if constexpr (std::is_arithmetic_v<T>) {
    sum = *result > T{} ? 1 : 0;
  } else {
    for (const auto& element : *result) sum += sizeof element;
  }
  return sum;
}

size_t read_values(const Gguf& file) {
  size_t sum = 0;
  for (const char* key : kKeys) {
    sum += sum_of(file.unsigned_value(key)) + sum_of(file.float_value(key)) +
           sum_of(file.bool_value(key)) + sum_of(file.string_value(key)) +
           sum_of(file.string_array(key)) + sum_of(file.int_array(key)) +
           sum_of(file.array_size(key));
  }
  return sum;
}

void tokenize(const Gguf& file, const ModelSpec& spec) {
  const auto tokenizer = runed::embed::make_tokenizer(file, spec);
  if (!tokenizer.has_value()) return;
  const auto ids = (*tokenizer)->tokenize("abc a<tool>bc caf\u00e9");
  CHECK(ids.has_value());
  for (const auto id : *ids) CHECK(id < spec.vocabulary);
}

void recognise(const Gguf& file) {
  const auto spec = runed::embed::recognise_model(file, {}, {});
  if (!spec.has_value()) {
    CHECK(!spec.error().message.empty());
    return;
  }
  CHECK(spec->pooling.is_known());
  CHECK(spec->pooling.value != Pooling::none && spec->pooling.value != Pooling::rank);
  tokenize(file, *spec);
}

void read_tensors(const Gguf& file, std::span<const std::byte> bytes) {
  for (const Tensor& tensor : file.tensors()) {
    CHECK(file.find_tensor(tensor.name) == &tensor);
    CHECK(!tensor.data.empty());
    CHECK(tensor.data.data() >= bytes.data());
    CHECK(tensor.data.data() + tensor.data.size() <= bytes.data() + bytes.size());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::span bytes = std::as_bytes(std::span(data, size));
  const auto file = Gguf::parse(bytes);
  if (!file.has_value()) {
    CHECK(!file.error().message.empty());
    return 0;
  }
  CHECK(read_values(*file) <= 16 * size);
  read_tensors(*file, bytes);
  recognise(*file);
  return 0;
}
