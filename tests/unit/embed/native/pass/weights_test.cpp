#include "embed/native/pass/weights.hpp"

#include "embed/model/model_recognition.hpp"
#include "embed/native/isa/kernel_choice.hpp"
#include "support/gguf_builder.hpp"
#include "support/result_matchers.hpp"

using runed::Error;
using runed::ErrorCode;
using runed::Result;
using runed::embed::Gguf;
using runed::embed::recognise_model;
using runed::embed::TensorType;
using runed::embed::native::available_kernels;
using runed::embed::native::find_weights;
using runed::embed::native::Weights;
using runed::test::GgufBuilder;
using runed::test::small_qwen3;
using runed::test::unwrap;
using runed::test::unwrap_error;

namespace {

using Shape = std::vector<uint64_t>;

struct NamedShape {
  std::string name;
  Shape shape;
};

// Every tensor of the small model.
std::vector<NamedShape> right_shapes() {
  std::vector<NamedShape> shapes{{"token_embd.weight", {64, 262}}, {"output_norm.weight", {64}}};
  for (const std::string layer : {"blk.0.", "blk.1."}) {
    const NamedShape parts[] = {
        {"attn_norm", {64}},       {"attn_q_norm", {16}}, {"attn_k_norm", {16}},
        {"attn_q", {64, 64}},      {"attn_k", {64, 32}},  {"attn_v", {64, 32}},
        {"attn_output", {64, 64}}, {"ffn_norm", {64}},    {"ffn_gate", {64, 96}},
        {"ffn_up", {64, 96}},      {"ffn_down", {96, 64}}};
    for (const NamedShape& part : parts) {
      shapes.push_back({layer + part.name + ".weight", part.shape});
    }
  }
  return shapes;
}

std::vector<std::byte> build(const std::vector<NamedShape>& shapes) {
  GgufBuilder builder = small_qwen3();
  for (const NamedShape& tensor : shapes) {
    uint64_t count = 1;
    for (const uint64_t size : tensor.shape) count *= size;
    std::string data;
    for (uint64_t i = 0; i < count; ++i) data += GgufBuilder::bytes_of(static_cast<float>(i));
    builder.tensor(tensor.name, TensorType::f32, tensor.shape, data);
  }
  return builder.build();
}

Result<Weights> weights_of(const std::vector<std::byte>& bytes) {
  const Gguf gguf = unwrap(Gguf::parse(bytes));
  return find_weights(gguf, unwrap(recognise_model(gguf, {}, {})), *available_kernels().front());
}

}  // namespace

TEST_CASE("the weights of a model are found in its file") {
  const auto bytes = build(right_shapes());
  const Weights weights = unwrap(weights_of(bytes));
  REQUIRE(weights.layers.size() == 2);
  CHECK(weights.embedding.rows == 262);
  CHECK(weights.embedding.columns == 64);
  CHECK(weights.embedding.row_bytes == 256);
  CHECK(weights.layers[1].key_norm.weight.size() == 16);
  CHECK(weights.layers[1].key_norm.weight[15] == 15.0F);
  CHECK(weights.layers[1].down.rows == 64);
  CHECK(weights.layers[1].down.columns == 96);
  CHECK(weights.layers[1].down.row(1) == weights.layers[1].down.data + 384);
}

TEST_CASE("each tensor that is missing is named") {
  const std::vector<NamedShape> right = right_shapes();
  for (size_t i = 0; i < right.size(); ++i) {
    std::vector<NamedShape> shapes = right;
    shapes.erase(shapes.begin() + static_cast<std::ptrdiff_t>(i));
    const auto bytes = build(shapes);
    const Error error = unwrap_error(weights_of(bytes));
    CHECK(error.code == ErrorCode::model_corrupt);
    CHECK(error.message == "the model has no tensor '" + right[i].name + "'");
  }
}

TEST_CASE("each tensor of a wrong shape is named, with both shapes") {
  const std::vector<NamedShape> right = right_shapes();
  for (size_t i = 0; i < right.size(); ++i) {
    std::vector<NamedShape> shapes = right;
    shapes[i].shape.push_back(2);
    const auto bytes = build(shapes);
    const Error error = unwrap_error(weights_of(bytes));
    CHECK(error.code == ErrorCode::model_corrupt);
    CHECK(error.message.starts_with("tensor '" + right[i].name + "' has shape ["));
  }
  std::vector<NamedShape> shapes = right;
  shapes[0].shape = {64, 261};
  const auto bytes = build(shapes);
  CHECK(unwrap_error(weights_of(bytes)).message ==
        "tensor 'token_embd.weight' has shape [64, 261, 1, 1], expected [64, 262, 1, 1]");
}
