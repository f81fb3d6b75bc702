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
        "key 'general.architecture' is 'no\\x1b' where 'bert' or 'qwen3' was expected");
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
