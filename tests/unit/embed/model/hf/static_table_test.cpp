#include "embed/model/hf/static_table.hpp"

#include <cstring>

#include "embed/model/model_recognition.hpp"
#include "support/model_directory.hpp"
#include "support/tiny_model.hpp"

using runed::Error;
using runed::ErrorCode;
using runed::Json;
using runed::embed::Gguf;
using runed::embed::recognise_model;
using runed::embed::Tensor;
using runed::embed::TensorType;
using runed::test::ModelDirectory;
using runed::test::safetensors_file;
using runed::test::tiny_path;
using runed::test::unwrap;
using runed::test::unwrap_error;

namespace {

constexpr size_t kWidth = 48;

template <typename Number>
std::string bytes_of(const std::vector<Number>& numbers) {
  std::string bytes(numbers.size() * sizeof(Number), '\0');
  std::memcpy(bytes.data(), numbers.data(), bytes.size());
  return bytes;
}

std::vector<float> floats_of(std::span<const std::byte> bytes) {
  std::vector<float> floats(bytes.size() / sizeof(float));
  std::memcpy(floats.data(), bytes.data(), floats.size() * sizeof(float));
  return floats;
}

// model2vec with other weights: a table of three rows of 48 numbers, and what else is given.
ModelDirectory with_tensors(Json header, const std::string& more) {
  ModelDirectory directory(tiny_path("model2vec"));
  std::vector<float> rows;
  for (size_t i = 0; i < 3 * kWidth; ++i) rows.push_back(static_cast<float>(i) / 8);
  header["embeddings"] = {
      {"dtype", "F32"}, {"shape", {3, kWidth}}, {"data_offsets", {0, 12 * kWidth}}};
  directory["model.safetensors"] = safetensors_file(header.dump(), bytes_of(rows) + more);
  return directory;
}

Json entry(const std::string& dtype, size_t count, size_t begin, size_t size) {
  return {{"dtype", dtype},
          {"shape", {count}},
          {"data_offsets", {12 * kWidth + begin, 12 * kWidth + begin + count * size}}};
}

std::string refusal(const ModelDirectory& directory, ErrorCode code) {
  const Error error = unwrap_error(directory.read());
  CHECK(error.code == code);
  return error.message;
}

constexpr size_t kTokens = 430;

}  // namespace

TEST_CASE("a StaticEmbedding and a model of model2vec are tables without a frame") {
  for (const std::string name : {"static", "model2vec"}) {
    CAPTURE(name);
    const ModelDirectory directory(tiny_path(name));
    const Gguf gguf = unwrap(directory.read());
    const auto spec = unwrap(recognise_model(gguf, {}, {}));
    CHECK(spec.architecture == "static");
    CHECK(spec.layers == 0);
    CHECK(spec.width == kWidth);
    CHECK(spec.vocabulary == kTokens);
    CHECK(spec.frame == runed::embed::Frame{});
    CHECK(spec.pooling.value == runed::embed::Pooling::mean);
    CHECK(spec.longest_text() == 1 << 24);
    const Tensor* table = gguf.find_tensor("token_embd.weight");
    REQUIRE(table != nullptr);
    CHECK(table->rows() == kTokens);
    CHECK_FALSE(unwrap(gguf.bool_value("tokenizer.ggml.add_bos_token")));
    CHECK_FALSE(unwrap(gguf.bool_value("tokenizer.ggml.add_eos_token")));
  }
}

TEST_CASE("rows that tokens share, and factors that they have, are written out") {
  std::vector<int64_t> mapping(kTokens, 1);
  mapping[7] = 2;
  std::vector<double> factors(kTokens, 0.5);
  factors[7] = 2;
  Json header;
  header["mapping"] = entry("I64", kTokens, 0, 8);
  header["weights"] = entry("F64", kTokens, kTokens * 8, 8);
  const ModelDirectory directory = with_tensors(header, bytes_of(mapping) + bytes_of(factors));
  const Gguf gguf = unwrap(directory.read());
  const Tensor* table = gguf.find_tensor("token_embd.weight");
  REQUIRE(table != nullptr);
  REQUIRE(table->rows() == kTokens);
  CHECK(table->type == TensorType::f32);
  const std::vector<float> numbers = floats_of(table->data);
  for (size_t i = 0; i < kWidth; ++i) {
    CHECK(numbers[6 * kWidth + i] == static_cast<float>(kWidth + i) / 16);
    CHECK(numbers[7 * kWidth + i] == static_cast<float>(2 * kWidth + i) / 4);
  }
  Json narrow;
  narrow["mapping"] = entry("I32", kTokens, 0, 4);
  const ModelDirectory alone =
      with_tensors(narrow, bytes_of(std::vector<int32_t>(mapping.begin(), mapping.end())));
  const Gguf mapped = unwrap(alone.read());
  CHECK(floats_of(mapped.find_tensor("token_embd.weight")->data)[0] == 6);
}

TEST_CASE("tables that do not fit, or have more to them, are refused by the tensor") {
  Json header;
  header["mapping"] = entry("I64", kTokens, 0, 8);
  std::vector<int64_t> mapping(kTokens, 3);
  CHECK(refusal(with_tensors(header, bytes_of(mapping)), ErrorCode::model_corrupt) ==
        "tensor 'mapping' has 3, and there are 3 rows");
  header["mapping"]["dtype"] = "F64";
  CHECK(refusal(with_tensors(header, bytes_of(mapping)), ErrorCode::model_unsupported) ==
        "tensor 'mapping' has the type F64, which is not served");
  Json weights;
  weights["weights"] = entry("F32", 2, 0, 4);
  CHECK(refusal(with_tensors(weights, bytes_of(std::vector<float>(2))), ErrorCode::model_corrupt) ==
        "tensor 'weights' has not one number for each of 3 tokens");
  Json other;
  other["bias"] = entry("F32", 2, 0, 4);
  CHECK(
      refusal(with_tensors(other, bytes_of(std::vector<float>(2))), ErrorCode::model_unsupported) ==
      "the model has a tensor 'bias' that would be left out");
  ModelDirectory none(tiny_path("model2vec"));
  none["model.safetensors"] = safetensors_file("{}", "");
  CHECK(refusal(none, ErrorCode::model_corrupt) ==
        "the model has no tensor 'embedding.weight' or 'embeddings'");
  // Fewer rows than the tokenizer has tokens.
  CHECK(refusal(with_tensors(Json::object(), ""), ErrorCode::model_corrupt)
            .starts_with("tokenizer.json: the token '"));
}

TEST_CASE("a module behind StaticEmbedding that computes is refused") {
  ModelDirectory directory(tiny_path("model2vec"));
  directory.edit("modules.json",
                 [](Json& json) { json[1]["type"] = "sentence_transformers.models.Dense"; });
  directory["1_Normalize/config.json"] = R"({"in_features": 48, "out_features": 8})";
  directory["1_Normalize/model.safetensors"] = safetensors_file("{}", "");
  CHECK(refusal(directory, ErrorCode::model_unsupported) ==
        "modules.json: the module '1' of type 'sentence_transformers.models.Dense' is not served "
        "behind StaticEmbedding");
}
