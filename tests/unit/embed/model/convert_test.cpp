#include "embed/model/convert.hpp"

#include <algorithm>
#include <filesystem>

#include "base/sha256.hpp"
#include "embed/model/gguf.hpp"
#include "support/gguf_builder.hpp"
#include "support/model_directory.hpp"
#include "support/result_matchers.hpp"
#include "support/temp_dir.hpp"

using runed::Error;
using runed::ErrorCode;
using runed::embed::Conversion;
using runed::embed::convert_model;
using runed::embed::ConvertedFile;
using runed::embed::Gguf;
using runed::embed::parse_conversion_type;
using runed::embed::Tensor;
using runed::embed::TensorType;
using runed::test::GgufBuilder;
using runed::test::read_text;
using runed::test::TempDir;
using runed::test::unwrap;
using runed::test::unwrap_error;
using runed::test::write_text;

namespace {

std::string tiny(const std::string& name) {
  return std::string(RUNED_TEST_DATA) + "/tiny/" + name;
}

std::span<const std::byte> bytes_of(const std::string& text) {
  return std::as_bytes(std::span(text));
}

// Where the tensors of two files differ in type, shape or data.
std::vector<std::string> differences(const Gguf& a, const Gguf& b) {
  std::vector<std::string> names;
  for (const Tensor& tensor : a.tensors()) {
    const Tensor* other = b.find_tensor(tensor.name);
    if (other == nullptr || other->type != tensor.type || other->shape != tensor.shape ||
        !std::ranges::equal(other->data, tensor.data)) {
      names.emplace_back(tensor.name);
    }
  }
  return names;
}

}  // namespace

TEST_CASE("a converted directory has the very tensors that llama.cpp's converter writes") {
  struct Case {
    std::string directory;
    std::string type;
    std::string theirs;
  };
  for (const Case& each : std::vector<Case>{{"bert-mean", "f32", "bert-mean.f32"},
                                            {"bert-mean", "q8_0", "bert-mean.q8_0"},
                                            {"bert-cls", "f16", "bert-cls.f16"},
                                            {"bert-cls", "q8_0", "bert-cls.q8_0"},
                                            {"bert-cased", "f16", "bert-cased.f16"}}) {
    CAPTURE(each.theirs);
    const TempDir dir;
    const ConvertedFile converted =
        unwrap(convert_model({.source = tiny(each.directory),
                              .target = dir / "m.gguf",
                              .type = unwrap(parse_conversion_type(each.type))}));
    const std::string ours = read_text(dir / "m.gguf");
    CHECK(converted.size_bytes == ours.size());
    CHECK(converted.sha256 == runed::sha256_hex(ours));
    const std::string theirs =
        read_text(std::string(RUNED_TEST_DATA) + "/tiny_gguf/" + each.theirs + ".gguf");
    const Gguf our_file = unwrap(Gguf::parse(bytes_of(ours)));
    const Gguf their_file = unwrap(Gguf::parse(bytes_of(theirs)));
    CHECK(converted.tensors == their_file.tensors().size());
    CHECK(our_file.tensors().size() == their_file.tensors().size());
    CHECK(differences(our_file, their_file).empty());
    CHECK(unwrap(our_file.unsigned_value("general.file_type")) ==
          unwrap(their_file.unsigned_value("general.file_type")));
  }
}

TEST_CASE(
    "a converted directory has the metadata that were read of it, and the same bytes each time") {
  const TempDir dir;
  const Conversion conversion{.source = tiny("bert-dense"), .target = dir / "m.gguf", .type = {}};
  unwrap(convert_model(conversion));
  const std::string file = read_text(dir / "m.gguf");
  const runed::test::ModelDirectory directory(tiny("bert-dense"));
  const Gguf read = unwrap(directory.read("bert-dense"));
  const Gguf written = unwrap(Gguf::parse(bytes_of(file)));
  CHECK(std::ranges::equal(read.stored_values(), written.stored_values()));
  CHECK(differences(read, written).empty());
  unwrap(convert_model({.source = tiny("bert-dense"), .target = dir / "n.gguf", .type = {}}));
  CHECK(read_text(dir / "n.gguf") == file);
}

TEST_CASE("without a type matrices stay as they are stored, and vectors become F32") {
  for (const auto& [name, type] : std::vector<std::pair<std::string, TensorType>>{
           {"bert-bf16", TensorType::bf16}, {"bert-f16-sharded", TensorType::f16}}) {
    const TempDir dir;
    unwrap(convert_model({.source = tiny(name), .target = dir / "m.gguf", .type = {}}));
    const std::string file = read_text(dir / "m.gguf");
    const Gguf gguf = unwrap(Gguf::parse(bytes_of(file)));
    CHECK(gguf.find_tensor("token_embd.weight")->type == type);
    CHECK(gguf.find_tensor("blk.1.ffn_down.weight")->type == type);
    for (const char* exact : {"position_embd.weight", "token_types.weight", "token_embd_norm.bias",
                              "blk.0.attn_q.bias"}) {
      CHECK(gguf.find_tensor(exact)->type == TensorType::f32);
    }
  }
}

TEST_CASE("a GGUF file is converted with its metadata as they are") {
  const TempDir dir;
  const std::string source = std::string(RUNED_TEST_DATA) + "/tiny_gguf/bert-mean.f32.gguf";
  unwrap(convert_model({.source = source, .target = dir / "m.gguf", .type = TensorType::q8_0}));
  const std::string file = read_text(dir / "m.gguf");
  const std::string theirs =
      read_text(std::string(RUNED_TEST_DATA) + "/tiny_gguf/bert-mean.q8_0.gguf");
  CHECK(file == theirs);  // Which llama.cpp made of the same, to the byte.
  unwrap(
      convert_model({.source = dir / "m.gguf", .target = dir / "f.gguf", .type = TensorType::f32}));
  const std::string back = read_text(dir / "f.gguf");
  const Gguf gguf = unwrap(Gguf::parse(bytes_of(back)));
  CHECK(unwrap(gguf.unsigned_value("general.file_type")) == 0);
  CHECK(gguf.find_tensor("token_embd.weight")->type == TensorType::f32);
}

TEST_CASE("matrices whose rows no block fills become F16, and what cannot be read is refused") {
  const TempDir dir;
  GgufBuilder plain;
  plain.set("general.architecture", "x")
      .tensor("odd", TensorType::f32, {3, 2}, std::string(24, '\0'));
  const auto file = plain.build();
  write_text(dir / "a.gguf", {reinterpret_cast<const char*>(file.data()), file.size()});
  unwrap(convert_model(
      {.source = dir / "a.gguf", .target = dir / "b.gguf", .type = TensorType::q8_0}));
  const std::string converted = read_text(dir / "b.gguf");
  const Gguf gguf = unwrap(Gguf::parse(bytes_of(converted)));
  CHECK(gguf.find_tensor("odd")->type == TensorType::f16);
  CHECK(unwrap(gguf.unsigned_value("general.file_type")) == 7);

  GgufBuilder blocks;
  blocks.set("general.architecture", "x")
      .tensor("q", TensorType::q6_k, {256, 2}, std::string(420, '\0'));
  const auto quantized = blocks.build();
  write_text(dir / "q.gguf", {reinterpret_cast<const char*>(quantized.data()), quantized.size()});
  const Error error = unwrap_error(
      convert_model({.source = dir / "q.gguf", .target = dir / "r.gguf", .type = TensorType::f16}));
  CHECK(error.code == ErrorCode::model_unsupported);
  CHECK(error.message == "cannot use the model '" + (dir / "q.gguf") +
                             "': tensor 'q' is of type Q6_K, which cannot be made F16");
  CHECK_FALSE(std::filesystem::exists(dir / "r.gguf"));
}

TEST_CASE("a file that is there goes only if that was asked for") {
  const TempDir dir;
  write_text(dir / "m.gguf", "mine");
  Conversion conversion{.source = tiny("bert-mean"), .target = dir / "m.gguf", .type = {}};
  const Error error = unwrap_error(convert_model(conversion));
  CHECK(error.code == ErrorCode::usage);
  CHECK(error.message == "'" + (dir / "m.gguf") + "' is there already");
  CHECK(read_text(dir / "m.gguf") == "mine");
  conversion.may_replace = true;
  unwrap(convert_model(conversion));
  CHECK(read_text(dir / "m.gguf").starts_with("GGUF"));
  const auto entries = std::filesystem::directory_iterator(dir.path());
  CHECK(std::distance(begin(entries), end(entries)) == 1);  // No temporary is left.
}

TEST_CASE("types that cannot be written, and models that cannot be read, are refused by name") {
  const Error type = unwrap_error(parse_conversion_type("q4_K"));
  CHECK(type.code == ErrorCode::usage);
  CHECK(type.message == "--type: 'q4_K' is none that can be written");
  CHECK(type.hint == "there are: f32, f16, bf16, q8_0");
  const TempDir dir;
  runed::test::ModelDirectory directory(tiny("bert-mean"));
  directory.edit("tokenizer.json", [](auto& json) { json["model"]["type"] = "WordLevel"; });
  directory.write(dir / "words");
  const Error words =
      unwrap_error(convert_model({.source = dir / "words", .target = dir / "m.gguf", .type = {}}));
  CHECK(words.message == "cannot use the model '" + (dir / "words") +
                             "': tokenizer.json: the model 'WordLevel' is not served");
  CHECK(unwrap_error(convert_model({.source = dir / "none", .target = dir / "m.gguf", .type = {}}))
            .code == ErrorCode::model_missing);
}

TEST_CASE("a number that the new type has no room for is refused with its tensor") {
  const TempDir dir;
  runed::test::ModelDirectory directory(std::string(RUNED_TEST_DATA) + "/tiny/bert-mean");
  // The last four bytes are of some matrix or vector; all are made not a number.
  std::string& weights = directory["model.safetensors"];
  uint64_t header = 0;
  std::memcpy(&header, weights.data(), sizeof header);
  for (size_t at = 8 + header; at + 4 <= weights.size(); at += 4)
    weights.replace(at, 4, "\xff\xff\xff\x7f");
  directory.write(dir / "m");
  const Error error = unwrap_error(
      convert_model({.source = dir / "m", .target = dir / "m.gguf", .type = TensorType::q8_0}));
  CHECK(error.message.ends_with("has a number that is not finite, or too large for Q8_0"));
  CHECK_FALSE(std::filesystem::exists(dir / "m.gguf"));
}
