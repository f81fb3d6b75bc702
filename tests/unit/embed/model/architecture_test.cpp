#include "embed/model/architecture.hpp"

#include "support/gguf_builder.hpp"
#include "support/result_matchers.hpp"

using runed::ErrorCode;
using runed::embed::Architecture;
using runed::embed::architectures;
using runed::embed::find_architecture;
using runed::embed::find_tensor;
using runed::embed::get_architecture;
using runed::embed::Gguf;
using runed::embed::ModelSpec;
using runed::embed::Presence;
using runed::embed::tensor_name;
using runed::embed::TensorRole;
using runed::embed::TensorRow;
using runed::embed::TensorSize;
using runed::embed::TensorType;
using runed::test::GgufBuilder;
using runed::test::unwrap;
using runed::test::unwrap_error;

namespace {

constexpr TensorRow kRow{"ffn_up.weight", TensorRole::up, TensorSize::width, TensorSize::ff_width};

ModelSpec spec() {
  ModelSpec spec;
  spec.width = 2;
  spec.ff_width = 3;
  return spec;
}

}  // namespace

TEST_CASE("each architecture is found by its name, and another one names them") {
  REQUIRE_FALSE(architectures().empty());
  for (const Architecture* row : architectures()) {
    CHECK(find_architecture(row->name) == row);
    CHECK(unwrap(get_architecture(row->name)) == row);
    CHECK_FALSE(row->tensors.empty());
  }
  CHECK(find_architecture("no\x1b") == nullptr);
  const auto error = unwrap_error(get_architecture("no\x1b"));
  CHECK(error.code == ErrorCode::model_unsupported);
  CHECK(error.message ==
        "key 'general.architecture' is 'no\\x1b' where one of these was expected: bert, "
        "eurobert, gemma-embedding, gte, jina-bert-v3, modern-bert, mpnet, nomic-bert, qwen2, "
        "qwen3, static");
}

TEST_CASE("a tensor of a layer has the name of its layer") {
  CHECK(tensor_name(kRow, 7) == "blk.7.ffn_up.weight");
  CHECK(tensor_name(kRow, {}) == "ffn_up.weight");
}

TEST_CASE(
    "a tensor is found where it has the shape of its row, and may be missing if it is optional") {
  const auto bytes =
      GgufBuilder()
          .tensor(tensor_name(kRow, 0), TensorType::f32, {2, 3}, std::string(24, '\0'))
          .build();
  const Gguf file = unwrap(Gguf::parse(bytes));
  CHECK(unwrap(find_tensor(file, spec(), kRow, 0))->rows() == 3);
  CHECK(unwrap_error(find_tensor(file, spec(), kRow, 1)).message ==
        "the model has no tensor 'blk.1.ffn_up.weight'");
  TensorRow optional = kRow;
  optional.presence = Presence::optional;
  CHECK(unwrap(find_tensor(file, spec(), optional, 1)) == nullptr);
  ModelSpec wide = spec();
  wide.ff_width = 4;
  const auto error = unwrap_error(find_tensor(file, wide, optional, 0));
  CHECK(error.code == ErrorCode::model_corrupt);
  CHECK(error.message ==
        "tensor 'blk.0.ffn_up.weight' has shape [2, 3, 1, 1], expected [2, 4, 1, 1]");
}

TEST_CASE("queries, keys and values are one tensor or three, with their biases, and not both") {
  constexpr TensorRow kFusedBias{"attn_qkv.bias",    TensorRole::query_key_value,
                                 TensorSize::width,  TensorSize::one,
                                 Presence::if_fused, runed::embed::TensorPart::bias};
  constexpr TensorRow kSplit{"attn_q.weight", TensorRole::query, TensorSize::width,
                             TensorSize::width, Presence::if_split};
  const auto with = [](std::vector<std::string> names) {
    GgufBuilder builder;
    for (const std::string& name : names) {
      const bool is_bias = name.ends_with("bias");
      builder.tensor("blk.0." + name, TensorType::f32,
                     is_bias ? std::vector<uint64_t>{2} : std::vector<uint64_t>{2, 2},
                     std::string(is_bias ? 8 : 16, '\0'));
    }
    return builder.build();
  };
  const auto find = [](const std::vector<std::byte>& bytes, const TensorRow& row) {
    return find_tensor(unwrap(Gguf::parse(bytes)), spec(), row, 0);
  };
  const auto split = with({"attn_q.weight"});
  CHECK(unwrap(find(split, kFusedBias)) == nullptr);
  CHECK(unwrap(find(split, kSplit)) != nullptr);
  const auto fused = with({"attn_qkv.weight"});
  CHECK(unwrap(find(fused, kSplit)) == nullptr);
  CHECK(unwrap_error(find(fused, kFusedBias)).message ==
        "the model has no tensor 'blk.0.attn_qkv.bias'");
  CHECK(unwrap_error(find(with({"attn_q.weight", "attn_qkv.weight"}), kSplit)).message ==
        "the model has 'blk.0.attn_q.weight' beside 'attn_qkv.weight'");
  CHECK(unwrap_error(find(with({"attn_q.weight", "attn_qkv.bias"}), kFusedBias)).message ==
        "the model has 'blk.0.attn_qkv.bias' without 'attn_qkv.weight'");
}
