#include <cstring>

#include "embed/model/gguf.hpp"
#include "embed/model/gguf_metadata.hpp"
#include "support/result_matchers.hpp"

using runed::ErrorCode;
using runed::embed::Gguf;
using runed::embed::GgufMetadata;
using runed::embed::PlacedTensor;
using runed::embed::TensorType;
using runed::test::unwrap;
using runed::test::unwrap_error;

namespace {

constexpr std::array<float, 6> kNumbers{1, 2, 3, 4, 5, 6};

GgufMetadata some_metadata() {
  GgufMetadata metadata;
  metadata.add("text", "a text");
  metadata.add("number", uint32_t{7});
  metadata.add("fraction", 0.5F);
  metadata.add("flag", true);
  metadata.add("words", std::vector<std::string>{"a", "", "\u2581b"});
  metadata.add("ids", std::vector<int32_t>{1, -2});
  return metadata;
}

PlacedTensor some_tensor(const std::string& name) {
  return {.name = name,
          .type = TensorType::f32,
          .shape = {3, 2, 1, 1},
          .data = std::as_bytes(std::span(kNumbers))};
}

}  // namespace

TEST_CASE("metadata that were written are read back, each of its type") {
  const std::string file = some_metadata().file();
  const Gguf gguf = unwrap(Gguf::parse(std::as_bytes(std::span(file))));
  CHECK(gguf.value_count() == 6);
  CHECK(unwrap(gguf.string_value("text")) == "a text");
  CHECK(unwrap(gguf.unsigned_value("number")) == 7);
  CHECK(unwrap(gguf.float_value("fraction")) == 0.5);
  CHECK(unwrap(gguf.bool_value("flag")));
  CHECK(unwrap(gguf.string_array("words")) == std::vector<std::string_view>{"a", "", "\u2581b"});
  CHECK(unwrap(gguf.int_array("ids")) == std::vector<int32_t>{1, -2});
  const auto stored = gguf.stored_values();
  CHECK(std::string(reinterpret_cast<const char*>(stored.data()), stored.size()) ==
        some_metadata().values());
  uint32_t number = 0;
  std::memcpy(&number, stored.data() + gguf.find_stored_u32("number").value(), sizeof number);
  CHECK(number == 7);
  CHECK_FALSE(gguf.find_stored_u32("fraction").has_value());
  CHECK_FALSE(gguf.find_stored_u32("none").has_value());
}

TEST_CASE("an assembled file has the values and the tensors it was given, and owns the names") {
  std::optional<Gguf> gguf =
      unwrap(Gguf::assemble(some_metadata().file(), {some_tensor("a"), some_tensor("b")}));
  const Gguf copy = *gguf;
  gguf.reset();
  CHECK(unwrap(copy.string_value("text")) == "a text");
  REQUIRE(copy.tensors().size() == 2);
  REQUIRE(copy.find_tensor("b") == &copy.tensors()[1]);
  CHECK(copy.find_tensor("b")->name == "b");
  CHECK(copy.find_tensor("b")->rows() == 2);
  CHECK(copy.find_tensor("b")->columns() == 3);
  CHECK(static_cast<const void*>(copy.find_tensor("b")->data.data()) == kNumbers.data());
}

TEST_CASE("a tensor that has not its size, or is there twice, is no part of an assembled file") {
  PlacedTensor wide = some_tensor("a");
  wide.shape[0] = 4;
  CHECK(unwrap_error(Gguf::assemble(some_metadata().file(), {wide})).message ==
        "tensor 'a' has 24 bytes, which 4 x 2 x 1 x 1 F32 are not");
  PlacedTensor vast = some_tensor("a");
  vast.shape = {uint64_t{1} << 62, 6, 1, 1};
  CHECK(unwrap_error(Gguf::assemble(some_metadata().file(), {vast})).code ==
        ErrorCode::model_corrupt);
  PlacedTensor blocks = some_tensor("a");
  blocks.type = TensorType::q8_0;
  CHECK(unwrap_error(Gguf::assemble(some_metadata().file(), {blocks})).code ==
        ErrorCode::model_corrupt);
  CHECK(unwrap_error(Gguf::assemble(some_metadata().file(), {some_tensor("a"), some_tensor("a")}))
            .message == "tensor 'a' is there twice");
}
