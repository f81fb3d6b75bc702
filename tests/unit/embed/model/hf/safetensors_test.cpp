#include "embed/model/hf/safetensors.hpp"

#include <cstring>
#include <limits>

#include "support/model_directory.hpp"
#include "support/result_matchers.hpp"

using runed::Error;
using runed::ErrorCode;
using runed::embed::TensorType;
using runed::embed::hf::parse_safetensors;
using runed::embed::hf::parse_safetensors_index;
using runed::test::safetensors_file;
using runed::test::unwrap;
using runed::test::unwrap_error;

namespace {

std::span<const std::byte> bytes_of(const std::string& text) {
  return std::as_bytes(std::span(text));
}

std::string refusal(const std::string& file, ErrorCode code = ErrorCode::model_corrupt) {
  const Error error = unwrap_error(parse_safetensors("w", bytes_of(file)));
  CHECK(error.code == code);
  return error.message;
}

std::string refusal(const std::string& header, const std::string& data) {
  return refusal(safetensors_file(header, data));
}

std::string index_refusal(const std::string& text) {
  const Error error = unwrap_error(parse_safetensors_index("i", bytes_of(text)));
  CHECK(error.code == ErrorCode::model_corrupt);
  return error.message;
}

}  // namespace

TEST_CASE("tensors of a safetensors file lie where its header says") {
  const std::string file = safetensors_file(
      R"({"__metadata__":{"format":"pt"},
          "b":{"dtype":"BF16","shape":[3],"data_offsets":[8,14]},
          "a":{"dtype":"F16","shape":[2,2],"data_offsets":[0,8]},
          "none":{"dtype":"F32","shape":[0,5],"data_offsets":[14,14]},
          "ids":{"dtype":"I64","shape":[],"data_offsets":[14,22]}}   )",
      "aaaaaaaabbbbbbiiiiiiii");
  const auto tensors = unwrap(parse_safetensors("w", bytes_of(file)));
  REQUIRE(tensors.size() == 4);
  CHECK(tensors[0].name == "b");
  CHECK(tensors[0].type == TensorType::bf16);
  CHECK(tensors[0].shape == std::vector<uint64_t>{3});
  CHECK(tensors[0].data.size() == 6);
  CHECK(static_cast<char>(tensors[0].data[0]) == 'b');
  CHECK(tensors[1].shape == std::vector<uint64_t>{2, 2});
  CHECK(tensors[1].type == TensorType::f16);
  CHECK(tensors[2].data.empty());
  CHECK(tensors[3].dtype == "I64");
  CHECK_FALSE(tensors[3].type.has_value());
}

TEST_CASE("a safetensors file that is cut short or none at all is refused") {
  CHECK(refusal("GGUF") == "w: it has 4 bytes, and no safetensors header");
  CHECK(refusal(std::string("\xff\xff\xff\xff\xff\xff\xff\x7f{}", 10)) ==
        "w: it claims a header of 9223372036854775807 bytes in a file of 10: cut short, or not a "
        "safetensors file");
  // More than the format allows, in a file that would have room for it if it were as large as it says.
  CHECK(
      refusal(safetensors_file("{}", "").replace(0, 8, std::string("\x01\xe1\xf5\x05\0\0\0\0", 8)))
          .starts_with("w: it claims a header of 100000001 bytes"));
  CHECK(refusal("{", "") == "w: invalid JSON at byte 2");
  CHECK(refusal("[]", "") == "w: it is an array of 0 where an object was expected");
}

TEST_CASE("every entry of a safetensors header is checked") {
  CHECK(refusal(R"({"a":1})", "") == "w: key 'a' is 1 where an object was expected");
  CHECK(refusal(R"({"a":{"shape":[1],"data_offsets":[0,4]}})", "1234") ==
        "w: key 'a.dtype' is missing");
  CHECK(refusal(
            safetensors_file(R"({"a":{"dtype":"F3","shape":[1],"data_offsets":[0,4]}})", "1234"),
            ErrorCode::model_unsupported) == "w: tensor 'a' has the type 'F3', which is not known");
  for (const std::string shape : {"1", "[-1]", "[1.5]", "[\"1\"]", "[1,1,1,1,1,1,1,1,1]", "null"}) {
    CAPTURE(shape);
    CHECK(refusal(R"({"a":{"dtype":"F32","shape":)" + shape + R"(,"data_offsets":[0,4]}})",
                  "1234") == "w: tensor 'a' has no shape of at most 8 whole numbers");
  }
  for (const std::string offsets : {"[0]", "[0,4,4]", "[-4,0]", "4"}) {
    CAPTURE(offsets);
    CHECK(refusal(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":)" + offsets + "}}", "1234") ==
          "w: tensor 'a' has no two data_offsets");
  }
  CHECK(refusal(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}})", "1234") ==
        "w: tensor 'a' has data from 4 to 0 in a file of 4 bytes of data");
  CHECK(refusal(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})", "1234") ==
        "w: tensor 'a' has data from 0 to 8 in a file of 4 bytes of data");
  CHECK(refusal(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}})", "1234") ==
        "w: tensor 'a' has 4 bytes of data, which its shape and F32 do not give");
  // A product that wraps around to the right size.
  CHECK(refusal(R"({"a":{"dtype":"F32","shape":[4611686018427387905],"data_offsets":[0,4]}})",
                "1234") ==
        "w: tensor 'a' has 4 bytes of data, which its shape and F32 do not give");
  CHECK(refusal(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},
                    "a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})",
                "1234")
            .ends_with("the key 'a' is there twice"));
}

TEST_CASE("data of a safetensors file neither overlap nor leave a hole") {
  CHECK(refusal(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},
                    "b":{"dtype":"F32","shape":[1],"data_offsets":[2,6]}})",
                "123456") == "w: tensor 'b' has data that are another's too");
  CHECK(refusal(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},
                    "b":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})",
                "1234") == "w: tensor 'b' has data that are another's too");
  CHECK(refusal(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[2,6]}})", "123456") ==
        "w: tensor 'a' has a hole before its data");
  CHECK(refusal(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})", "123456") ==
        "w: 2 bytes at its end belong to no tensor");
}

TEST_CASE("an index names a file for each tensor, beside it") {
  const std::string text = R"({"metadata":{"total_size":8},"weight_map":{"a":"1.st","b":"2.st"}})";
  const auto map = unwrap(parse_safetensors_index("i", bytes_of(text)));
  CHECK(map.at("a") == "1.st");
  CHECK(map.at("b") == "2.st");
  CHECK(index_refusal("{}") == "i: key 'weight_map' is missing");
  CHECK(index_refusal(R"({"weight_map":{}})") == "i: it names no tensor");
  for (const std::string name : {"\"../w\"", "\"a/b\"", "\"\"", "\".\"", "1", R"("a\u0000b")"}) {
    CAPTURE(name);
    CHECK(index_refusal(R"({"weight_map":{"a":)" + name + "}}") ==
          "i: key 'weight_map.a' is not the name of a file beside it");
  }
}
