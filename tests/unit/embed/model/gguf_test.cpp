#include "embed/model/gguf.hpp"

#include <limits>
#include <span>

#include "support/gguf_builder.hpp"
#include "support/read_file.hpp"
#include "support/result_matchers.hpp"

using runed::Error;
using runed::ErrorCode;
using runed::embed::Gguf;
using runed::embed::TensorType;
using runed::test::GgufBuilder;
using runed::test::unwrap;
using runed::test::unwrap_error;

namespace {

std::vector<std::byte> bytes_of(std::string_view text) {
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

// The message of the refusal, after its code.
void check_corrupt(const std::vector<std::byte>& file, const std::string& message) {
  const Error error = unwrap_error(Gguf::parse(file));
  CHECK(error.code == ErrorCode::model_corrupt);
  CHECK(error.message == message);
}

void check_unsupported(const Error& error, const std::string& message) {
  CHECK(error.code == ErrorCode::model_unsupported);
  CHECK(error.message == message);
}

// One of everything: each value type, an array of each kind, two tensors.
GgufBuilder sample() {
  GgufBuilder builder;
  builder.set("u8", uint8_t{255})
      .set("i8", int8_t{-1})
      .set("i16", int16_t{300})
      .set("u32", uint32_t{7})
      .set("u64", uint64_t{1} << 40)
      .set("f32", 1.5F)
      .set("f64", 0.25)
      .set("flag", true)
      .set("text", "caf\u00e9")
      .set("words", std::vector<std::string>{"one", "", "three"})
      .set("numbers", std::vector<int32_t>{1, -2, 3})
      .set("wide", std::vector<int64_t>{int64_t{1} << 40})
      .tensor("first", TensorType::f32, {2, 3}, std::string(24, 'a'))
      .tensor("second", TensorType::q8_0, {64, 2}, std::string(136, 'b'));
  return builder;
}

}  // namespace

TEST_CASE("every kind of value is read") {
  const auto bytes = sample().build();
  const Gguf file = unwrap(Gguf::parse(bytes));
  CHECK(unwrap(file.unsigned_value("u8")) == 255);
  CHECK(unwrap(file.unsigned_value("i16")) == 300);
  CHECK(unwrap(file.unsigned_value("u64")) == uint64_t{1} << 40);
  CHECK(unwrap(file.float_value("f32")) == 1.5);
  CHECK(unwrap(file.float_value("f64")) == 0.25);
  CHECK(unwrap(file.bool_value("flag")));
  CHECK(unwrap(file.string_value("text")) == "caf\u00e9");
  CHECK(unwrap(file.string_array("words")) == std::vector<std::string_view>{"one", "", "three"});
  CHECK(unwrap(file.int_array("numbers")) == std::vector<int32_t>{1, -2, 3});
  CHECK(unwrap(file.array_size("words")) == 3);
  CHECK(file.has("flag"));
  CHECK_FALSE(file.has("flags"));
}

TEST_CASE("a value that is missing or of another type is refused by its key") {
  const auto bytes = sample().build();
  const Gguf file = unwrap(Gguf::parse(bytes));
  check_unsupported(unwrap_error(file.unsigned_value("none")), "key 'none' is missing");
  check_unsupported(unwrap_error(file.unsigned_value("i8")),
                    "key 'i8' is -1 where an unsigned integer was expected");
  check_unsupported(unwrap_error(file.unsigned_value("text")),
                    "key 'text' is of type string where an integer was expected");
  check_unsupported(unwrap_error(file.float_value("u32")),
                    "key 'u32' is of type integer where a float was expected");
  check_unsupported(unwrap_error(file.bool_value("u32")),
                    "key 'u32' is of type integer where a bool was expected");
  check_unsupported(unwrap_error(file.string_value("f32")),
                    "key 'f32' is of type float where a string was expected");
  check_unsupported(
      unwrap_error(file.string_array("numbers")),
      "key 'numbers' is an array of 3 integers where an array of strings was expected");
  check_unsupported(unwrap_error(file.int_array("words")),
                    "key 'words' is an array of 3 strings where an array of 32-bit integers was "
                    "expected");
  check_unsupported(unwrap_error(file.int_array("wide")),
                    "key 'wide' is an array of 1 integers where an array of 32-bit integers was "
                    "expected");
  check_unsupported(unwrap_error(file.array_size("flag")),
                    "key 'flag' is of type bool where an array was expected");
}

TEST_CASE("tensors are found with their shape and their data") {
  for (const uint32_t version : {2U, 3U}) {
    CAPTURE(version);
    const auto bytes = sample().build(version);
    const Gguf file = unwrap(Gguf::parse(bytes));
    REQUIRE(file.tensors().size() == 2);
    const auto* tensor = file.find_tensor("second");
    REQUIRE(tensor != nullptr);
    CHECK(tensor->type == TensorType::q8_0);
    CHECK(tensor->columns() == 64);
    CHECK(tensor->rows() == 2);
    CHECK(tensor->data.size() == 136);
    CHECK(tensor->data.front() == std::byte{'b'});
    CHECK(tensor->data.data() + 136 == bytes.data() + bytes.size());
    CHECK(file.find_tensor("third") == nullptr);
  }
}

TEST_CASE("a file cut at any byte is refused") {
  const auto bytes = sample().build();
  for (size_t length = 0; length < bytes.size(); ++length) {
    CAPTURE(length);
    // A copy of its own, so that a sanitizer sees a read past the end.
    const std::vector<std::byte> cut(bytes.begin(), bytes.begin() + static_cast<long>(length));
    CHECK(unwrap_error(Gguf::parse(cut)).code == ErrorCode::model_corrupt);
  }
}

TEST_CASE("a file that is not little-endian GGUF of a known version is refused") {
  check_corrupt(bytes_of(""), "GGUF file of 0 bytes ends inside the magic number at byte 0");
  check_corrupt(bytes_of("PK\x03\x04 and so on"), "not a GGUF file: it starts with 'PK\\x03\\x04'");
  check_unsupported(unwrap_error(Gguf::parse(sample().build(1))),
                    "GGUF version is 1 where 2 or 3 was expected");
  check_unsupported(unwrap_error(Gguf::parse(sample().build(0x03000000))),
                    "GGUF file is big-endian (version bytes 0x3000000)");
}

TEST_CASE("counts that the file cannot hold are refused before anything is reserved") {
  const uint64_t huge = std::numeric_limits<uint64_t>::max();
  const auto with_counts = [](uint64_t tensors, uint64_t values) {
    return bytes_of("GGUF" + GgufBuilder::bytes_of(uint32_t{3}) + GgufBuilder::bytes_of(tensors) +
                    GgufBuilder::bytes_of(values) + std::string(64, '\0'));
  };
  check_corrupt(with_counts(0, huge),
                "GGUF file of 88 bytes claims 18446744073709551615 metadata values");
  check_corrupt(with_counts(huge, 0), "GGUF file of 88 bytes claims 18446744073709551615 tensors");
  check_corrupt(with_counts(0, 5), "GGUF file of 88 bytes claims 5 metadata values");
  const std::string count = GgufBuilder::bytes_of(huge);
  const auto array_of = [&count](uint32_t type) {
    return GgufBuilder().set_raw("k", 9, GgufBuilder::bytes_of(type) + count).build();
  };
  check_corrupt(array_of(8),
                "key 'k' at byte 49 claims 18446744073709551615 strings in a file of "
                "49 bytes");
  check_corrupt(array_of(10),
                "key 'k' at byte 37 claims 18446744073709551615 elements in a file "
                "of 49 bytes");
}

TEST_CASE("lengths that leave the file are refused") {
  const std::string length = GgufBuilder::bytes_of(std::numeric_limits<uint64_t>::max() - 3);
  check_corrupt(GgufBuilder().set_raw("k", 8, length + "abc").build(),
                "GGUF file of 48 bytes ends inside the value of key 'k' at byte 33");
  const std::string strings = GgufBuilder::bytes_of(uint32_t{8}) +
                              GgufBuilder::bytes_of(uint64_t{2}) +
                              GgufBuilder::bytes_of(std::string("abc")) + length;
  check_corrupt(GgufBuilder().set_raw("k", 9, strings).build(),
                "GGUF file of 68 bytes ends inside element 1 of key 'k' at byte 60");
  check_corrupt(GgufBuilder().set(std::string(65536, 'k'), true).build(),
                "a metadata key at byte 24 has 65536 bytes; 65535 are allowed");
}

TEST_CASE("values that no file has are refused") {
  check_corrupt(GgufBuilder().set_raw("k", 13, "12345678").build(),
                "key 'k' at byte 33 has a value of unknown type 13");
  check_corrupt(GgufBuilder().set_raw("k", 7, "\x02").build(),
                "key 'k' at byte 33 has a bool of value 2");
  check_corrupt(
      GgufBuilder()
          .set_raw("k", 9, GgufBuilder::bytes_of(uint32_t{9}) + GgufBuilder::bytes_of(uint64_t{0}))
          .build(),
      "key 'k' at byte 37 has an array of arrays");
  check_corrupt(
      GgufBuilder()
          .set_raw("k", 9, GgufBuilder::bytes_of(uint32_t{77}) + GgufBuilder::bytes_of(uint64_t{0}))
          .build(),
      "key 'k' at byte 37 has an array of unknown type 77");
  check_corrupt(GgufBuilder().set("k", true).add_raw("k", 7, std::string(1, '\0')).build(),
                "key 'k' at byte 47 is there twice");
}

TEST_CASE("tensor tables that do not add up are refused") {
  const auto table = [](uint32_t type, const std::vector<uint64_t>& shape, uint64_t offset) {
    return GgufBuilder().tensor_raw("t", type, shape, offset).build();
  };
  constexpr uint64_t kBig = uint64_t{1} << 33;
  check_corrupt(table(0, {}, 0), "tensor 't' at byte 24 has 0 dimensions; 1 to 4 are allowed");
  check_corrupt(table(0, {1, 1, 1, 1, 1}, 0),
                "tensor 't' at byte 24 has 5 dimensions; 1 to 4 are allowed");
  check_corrupt(table(0, {4, 0}, 0), "tensor 't' has no elements in dimension 1");
  check_corrupt(table(8, {33, 1}, 0),
                "tensor 't' has rows of 33 elements, which Q8_0 blocks of 32 do not fill");
  check_corrupt(table(0, {8}, 7), "tensor 't' has data at offset 7, which is not a multiple of 32");
  check_corrupt(table(0, {8}, 0),
                "tensor 't' has data past the end of the file: 8 x 1 x 1 x 1 F32 at 0");
  check_corrupt(table(0, {kBig, kBig}, 0),
                "tensor 't' has data past the end of the file: 8589934592 x 8589934592 x 1 x 1 F32 "
                "at 0");
  check_corrupt(table(0, {1}, std::numeric_limits<uint64_t>::max() - 31),
                "tensor 't' has data past the end of the file: 1 x 1 x 1 x 1 F32 at "
                "18446744073709551584");
  for (const uint64_t offset : {32U, 64U}) {
    check_corrupt(GgufBuilder()
                      .tensor("a", TensorType::f32, {24}, std::string(96, 'x'))
                      .tensor_raw("b", 0, {8}, offset)
                      .build(),
                  "tensors 'a' and 'b' have the same data");
  }
  check_corrupt(GgufBuilder()
                    .tensor("t", TensorType::f32, {1}, "1234")
                    .tensor("t", TensorType::f32, {1}, "1234")
                    .build(),
                "tensor 't' at byte 57 is there twice");
  check_unsupported(unwrap_error(Gguf::parse(table(999, {256}, 0))),
                    "tensor 't' has type 999, which is not known");
}

TEST_CASE("the alignment of a file is its own") {
  for (const uint32_t wrong : {0U, 4U, 48U}) {
    CAPTURE(wrong);
    check_corrupt(GgufBuilder().set("general.alignment", wrong).build(),
                  "key 'general.alignment' is " + std::to_string(wrong) +
                      ", which is not a power of two from 8");
  }
  // The table ends at byte 90: with an alignment of 8 the data is at 96, and needs the 8 bytes
  // there.
  const auto bytes = GgufBuilder()
                         .set("general.alignment", uint32_t{8})
                         .tensor("t", TensorType::f32, {2}, "12345678")
                         .build();
  const Gguf file = unwrap(Gguf::parse(bytes));
  CHECK(static_cast<size_t>(file.find_tensor("t")->data.data() - bytes.data()) % 8 == 0);
}

TEST_CASE("a file without tensors needs no data section") {
  const auto bytes = GgufBuilder().set("k", uint32_t{1}).build();
  CHECK(bytes.size() % 32 != 0);
  CHECK(unwrap(Gguf::parse(bytes)).tensors().empty());
}

TEST_CASE("the files of the tree are read") {
  const auto vocabulary = runed::test::read_file(RUNED_TEST_DATA_UNPACKED "/qwen3-vocab.gguf");
  const Gguf file = unwrap(Gguf::parse(vocabulary));
  CHECK(file.tensors().empty());
  CHECK(unwrap(file.string_array("tokenizer.ggml.tokens")).at(151643) == "<|endoftext|>");
  const auto model = runed::test::read_file(RUNED_BUILTIN_MODEL);
  const Gguf built_in = unwrap(Gguf::parse(model));
  const auto* embeddings = built_in.find_tensor("token_embd.weight");
  REQUIRE(embeddings != nullptr);
  CHECK(embeddings->columns() == 256);
  CHECK(embeddings->rows() == 32000);
}
