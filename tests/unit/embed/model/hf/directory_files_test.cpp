#include "embed/model/hf/directory_files.hpp"

#include "support/model_directory.hpp"
#include "support/result_matchers.hpp"

using runed::Error;
using runed::ErrorCode;
using runed::Json;
using runed::embed::hf::DirectoryFile;
using runed::embed::hf::Module;
using runed::embed::hf::parse_modules;
using runed::test::ModelDirectory;
using runed::test::unwrap;
using runed::test::unwrap_error;

namespace {

ModelDirectory tiny(const std::string& name) {
  return ModelDirectory(std::string(RUNED_TEST_DATA) + "/tiny/" + name);
}

std::vector<std::string> names_of(const ModelDirectory& directory) {
  std::vector<std::string> names;
  const auto files = unwrap(directory.open());
  for (const DirectoryFile& file : files.files()) names.push_back(file.name);
  return names;
}

std::string refusal(const ModelDirectory& directory, ErrorCode code) {
  const Error error = unwrap_error(directory.open());
  CHECK(error.code == code);
  CHECK_FALSE(error.hint.empty());
  return error.message;
}

std::string modules_refusal(const std::string& text) {
  const Error error = unwrap_error(parse_modules(std::as_bytes(std::span(text))));
  CHECK(error.code == ErrorCode::model_corrupt);
  return error.message;
}

}  // namespace

TEST_CASE("the files that matter are those that a model is made of, sorted by name") {
  ModelDirectory directory = tiny("bert-dense");
  directory["README.md"] = "nothing";
  CHECK(names_of(directory) ==
        std::vector<std::string>{"1_Pooling/config.json", "2_Dense/config.json",
                                 "2_Dense/model.safetensors", "config.json", "model.safetensors",
                                 "modules.json", "sentence_bert_config.json", "tokenizer.json",
                                 "tokenizer_config.json"});
  CHECK(names_of(tiny("bert-f16-sharded")) ==
        std::vector<std::string>{
            "1_Pooling/config.json", "config.json", "model-00001-of-00004.safetensors",
            "model-00002-of-00004.safetensors", "model-00003-of-00004.safetensors",
            "model-00004-of-00004.safetensors", "model.safetensors.index.json", "modules.json",
            "sentence_bert_config.json", "tokenizer.json", "tokenizer_config.json"});
  // Without tokenizer.json, vocab.txt counts.
  ModelDirectory old = tiny("bert-mean");
  old.erase("tokenizer.json");
  CHECK(names_of(old) == std::vector<std::string>{"1_Pooling/config.json", "config.json",
                                                  "config_sentence_transformers.json",
                                                  "model.safetensors", "modules.json",
                                                  "sentence_bert_config.json",
                                                  "tokenizer_config.json", "vocab.txt"});
}

TEST_CASE("a transformer may have a folder of its own") {
  ModelDirectory flat = tiny("bert-mean");
  ModelDirectory directory;
  for (const std::string name : {"config.json", "model.safetensors", "sentence_bert_config.json",
                                 "tokenizer.json", "tokenizer_config.json"}) {
    directory["0_Transformer/" + name] = flat[name];
  }
  directory["1_Pooling/config.json"] = flat["1_Pooling/config.json"];
  directory["modules.json"] = flat["modules.json"];
  directory.edit("modules.json", [](Json& json) { json[0]["path"] = "0_Transformer"; });
  CHECK(unwrap(directory.open()).transformer() == "0_Transformer/");
  CHECK(unwrap(directory.read()).tensors().size() == 37);
}

TEST_CASE("what is not a whole model directory is refused with what is missing") {
  ModelDirectory directory = tiny("bert-mean");
  directory.erase("config.json");
  CHECK(refusal(directory, ErrorCode::model_missing) ==
        "it is a directory, not a regular file, and no model: config.json is not in it");
  directory = tiny("bert-mean");
  directory.erase("model.safetensors");
  CHECK(refusal(directory, ErrorCode::model_missing) ==
        "there are no weights: neither model.safetensors nor model.safetensors.index.json");
  directory = tiny("bert-mean");
  directory.erase("1_Pooling/config.json");
  CHECK(refusal(directory, ErrorCode::model_missing) ==
        "1_Pooling/config.json is not in the directory");
  directory = tiny("bert-f16-sharded");
  directory.erase("model-00002-of-00004.safetensors");
  CHECK(refusal(directory, ErrorCode::model_missing) ==
        "model-00002-of-00004.safetensors is not in the directory");
}

TEST_CASE("weights that are a pickle alone are refused with the way to convert them") {
  const Error error = unwrap_error(tiny("bert-pickle-only").open());
  CHECK(error.code == ErrorCode::model_unsupported);
  CHECK(error.message ==
        "the weights are in pytorch_model.bin alone, a Python pickle, which is a program and is "
        "never loaded");
  CHECK(error.hint ==
        "write them as safetensors in Python: "
        "AutoModel.from_pretrained(DIR).save_pretrained(DIR, safe_serialization=True)");
}

TEST_CASE("a pointer of Git LFS in place of a file is told as one") {
  ModelDirectory directory = tiny("bert-mean");
  directory["model.safetensors"] =
      "version https://git-lfs.github.com/spec/v1\noid sha256:53aa5117\nsize 90868376\n";
  CHECK(refusal(directory, ErrorCode::model_corrupt) ==
        "model.safetensors is a pointer of Git LFS, and not the file itself");
}

TEST_CASE("an index and its files must say the same") {
  ModelDirectory directory = tiny("bert-f16-sharded");
  directory.edit("model.safetensors.index.json", [](Json& json) {
    json["weight_map"]["embeddings.LayerNorm.bias"] = "model-00001-of-00004.safetensors";
  });
  CHECK(unwrap_error(directory.read()).message ==
        "model-00002-of-00004.safetensors has a tensor 'embeddings.LayerNorm.bias', which "
        "model.safetensors.index.json has elsewhere");
  directory = tiny("bert-f16-sharded");
  directory.edit("model.safetensors.index.json", [](Json& json) {
    json["weight_map"]["more"] = "model-00001-of-00004.safetensors";
  });
  CHECK(unwrap_error(directory.read()).message ==
        "model.safetensors.index.json has a tensor 'more', which is not in "
        "model-00001-of-00004.safetensors");
}

TEST_CASE("modules.json names a list of modules in folders of the directory") {
  const std::string text = R"([{"idx":0,"name":"0","path":".","type":"sentence_transformers.T"},
                               {"type":"my_code.Pooling","path":"a/b/"}])";
  const auto modules = unwrap(parse_modules(std::as_bytes(std::span(text))));
  REQUIRE(modules.size() == 2);
  CHECK(modules[0].kind() == "T");
  CHECK(modules[0].path.empty());
  CHECK(modules[1].kind().empty());
  CHECK(modules[1].name == "1");
  CHECK(modules[1].path == "a/b/");
  CHECK(modules_refusal("{}") == "modules.json: it is not a list of 1 to 16 modules");
  CHECK(modules_refusal("[]") == "modules.json: it is not a list of 1 to 16 modules");
  CHECK(modules_refusal("[1]") == "modules.json: key '0' is 1 where an object was expected");
  CHECK(modules_refusal(R"([{"name":"0"}])") == "modules.json: key '0.type' is missing");
  for (const std::string path : {"..", "/etc", "a/../b", "a//b", ".hidden", "a\\u0000"}) {
    CAPTURE(path);
    CHECK(modules_refusal(R"([{"type":"T","path":")" + path + R"("}])")
              .ends_with("which is no folder of the directory"));
  }
}
