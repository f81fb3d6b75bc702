#include "embed/model/hf/hf_directory.hpp"

#include <cmath>
#include <cstring>
#include <set>

#include "embed/model/float_formats.hpp"
#include "support/model_directory.hpp"
#include "support/result_matchers.hpp"

using runed::Error;
using runed::ErrorCode;
using runed::Json;
using runed::embed::Gguf;
using runed::embed::Tensor;
using runed::embed::TensorType;
using runed::embed::hf::directory_model_name;
using runed::test::ModelDirectory;
using runed::test::read_text;
using runed::test::unwrap;
using runed::test::unwrap_error;

namespace {

ModelDirectory tiny(const std::string& name) {
  return ModelDirectory(std::string(RUNED_TEST_DATA) + "/tiny/" + name);
}

std::string converted(const std::string& name) {
  return read_text(std::string(RUNED_TEST_DATA) + "/tiny_gguf/" + name + ".gguf");
}

// A file that llama.cpp's own converter wrote of the same directory.
struct Pair {
  std::string directory;
  std::string file;
};
const std::vector<Pair> kPairs{
    {"bert-mean", "bert-mean.f32"}, {"bert-cls", "bert-cls.f16"}, {"bert-cased", "bert-cased.f16"}};

const std::vector<std::string> kSizes{
    "bert.block_count",
    "bert.context_length",
    "bert.embedding_length",
    "bert.feed_forward_length",
    "bert.attention.head_count",
    "bert.pooling_type",
    "general.quantization_version",
    "tokenizer.ggml.token_type_count",
    "tokenizer.ggml.bos_token_id",
    "tokenizer.ggml.eos_token_id",
    "tokenizer.ggml.unknown_token_id",
    "tokenizer.ggml.seperator_token_id",
    "tokenizer.ggml.padding_token_id",
    "tokenizer.ggml.mask_token_id",
};
const std::vector<std::string> kFlags{
    "bert.attention.causal",
    "tokenizer.ggml.add_bos_token",
    "tokenizer.ggml.add_eos_token",
    "tokenizer.ggml.add_sep_token",
    "tokenizer.ggml.normalizer.lowercase",
};
const std::vector<std::string> kTexts{"general.architecture", "general.type",
                                      "tokenizer.ggml.model", "tokenizer.ggml.pre"};
// What the converter says and we do not: a size for people. Names are the directory's in both.
const std::set<std::string> kOthers{"general.name",          "general.size_label",
                                    "general.file_type",     "bert.attention.layer_norm_epsilon",
                                    "tokenizer.ggml.tokens", "tokenizer.ggml.token_type"};

std::vector<float> numbers_of(const Tensor& tensor) {
  std::vector<float> numbers;
  const size_t width = tensor.type == TensorType::f32 ? 4 : 2;
  for (size_t at = 0; at < tensor.data.size(); at += width) {
    const std::byte* from = tensor.data.data() + at;
    numbers.push_back(tensor.type == TensorType::f32 ? runed::embed::load<float>(from)
                      : tensor.type == TensorType::f16
                          ? runed::embed::f16_to_float(runed::embed::load<uint16_t>(from))
                          : runed::embed::bf16_to_float(runed::embed::load<uint16_t>(from)));
  }
  return numbers;
}

double largest_difference(const Tensor& a, const Tensor& b) {
  const auto left = numbers_of(a);
  const auto right = numbers_of(b);
  REQUIRE(left.size() == right.size());
  double largest = 0;
  for (size_t i = 0; i < left.size(); ++i) {
    largest = std::max(largest, std::abs(static_cast<double>(left[i]) - right[i]));
  }
  return largest;
}

std::string refusal(const ModelDirectory& directory,
                    ErrorCode code = ErrorCode::model_unsupported) {
  const Error error = unwrap_error(directory.read());
  CHECK(error.code == code);
  return error.message;
}

// What is said of bert-mean after a change to one of its files.
template <typename Edit>
std::string refusal_after(const std::string& file, const Edit& edit,
                          ErrorCode code = ErrorCode::model_unsupported) {
  ModelDirectory directory = tiny("bert-mean");
  directory.edit(file, edit);
  return refusal(directory, code);
}

}  // namespace

TEST_CASE("a directory has the keys that llama.cpp's converter writes, and its values") {
  for (const Pair& pair : kPairs) {
    CAPTURE(pair.directory);
    const ModelDirectory directory = tiny(pair.directory);
    const Gguf ours = unwrap(directory.read());
    const std::string bytes = converted(pair.file);
    const Gguf theirs = unwrap(Gguf::parse(std::as_bytes(std::span(bytes))));
    for (const std::string& key : kSizes) {
      CAPTURE(key);
      CHECK(unwrap(ours.unsigned_value(key)) == unwrap(theirs.unsigned_value(key)));
    }
    for (const std::string& key : kFlags) {
      CAPTURE(key);
      CHECK(unwrap(ours.bool_value(key)) == unwrap(theirs.bool_value(key)));
    }
    for (const std::string& key : kTexts) {
      CAPTURE(key);
      CHECK(unwrap(ours.string_value(key)) == unwrap(theirs.string_value(key)));
    }
    CHECK(unwrap(ours.float_value("bert.attention.layer_norm_epsilon")) ==
          unwrap(theirs.float_value("bert.attention.layer_norm_epsilon")));
    CHECK(unwrap(ours.string_array("tokenizer.ggml.tokens")) ==
          unwrap(theirs.string_array("tokenizer.ggml.tokens")));
    CHECK(unwrap(ours.int_array("tokenizer.ggml.token_type")) ==
          unwrap(theirs.int_array("tokenizer.ggml.token_type")));
    // No key of theirs is one that nobody compared.
    CHECK(theirs.value_count() == kSizes.size() + kFlags.size() + kTexts.size() + kOthers.size());
  }
}

TEST_CASE(
    "a directory has the tensors that llama.cpp's converter writes, where its files have them") {
  for (const Pair& pair : kPairs) {
    CAPTURE(pair.directory);
    const ModelDirectory directory = tiny(pair.directory);
    const Gguf ours = unwrap(directory.read());
    const std::string bytes = converted(pair.file);
    const Gguf theirs = unwrap(Gguf::parse(std::as_bytes(std::span(bytes))));
    CHECK(ours.tensors().size() == theirs.tensors().size());
    for (const Tensor& tensor : theirs.tensors()) {
      CAPTURE(tensor.name);
      const Tensor* found = ours.find_tensor(tensor.name);
      REQUIRE(found != nullptr);
      CHECK(found->shape == tensor.shape);
      CHECK(largest_difference(*found, tensor) <= (tensor.type == TensorType::f32 ? 0 : 0x1p-9));
    }
  }
}

TEST_CASE("checkpoints of half precision and in several files are read where they lie") {
  const ModelDirectory bf16 = tiny("bert-bf16");
  CHECK(unwrap(bf16.read()).find_tensor("token_embd.weight")->type == TensorType::bf16);
  CHECK(unwrap(unwrap(bf16.read()).unsigned_value("general.file_type")) == 32);
  const ModelDirectory sharded = tiny("bert-f16-sharded");
  const Gguf gguf = unwrap(sharded.read());
  CHECK(gguf.find_tensor("token_embd.weight")->type == TensorType::f16);
  CHECK(gguf.tensors().size() == 37);
  CHECK(unwrap(gguf.unsigned_value("general.file_type")) == 1);
}

TEST_CASE("a directory says what its sentence-transformers files say") {
  const ModelDirectory mean = tiny("bert-mean");
  const Gguf gguf = unwrap(mean.read("bert-mean"));
  CHECK(unwrap(gguf.string_value("general.name")) == "bert-mean");
  CHECK(unwrap(gguf.unsigned_value("runed.max_seq_length")) == 96);
  CHECK(unwrap(gguf.string_array("runed.prompts.names")) ==
        std::vector<std::string_view>{"query", "passage"});
  CHECK(unwrap(gguf.string_array("runed.prompts.texts")) ==
        std::vector<std::string_view>{"query: ", "passage: "});
  CHECK_FALSE(gguf.has("runed.prompts.default"));
  CHECK_FALSE(gguf.has("runed.tokenizer.clean_text"));
  CHECK_FALSE(gguf.has("runed.tokenizer.split_cjk"));
  CHECK(unwrap(gguf.bool_value("tokenizer.ggml.normalizer.strip_accents")));

  // The style of version 6.
  const ModelDirectory cls = tiny("bert-cls");
  const Gguf of_cls = unwrap(cls.read());
  CHECK(unwrap(of_cls.unsigned_value("bert.pooling_type")) == 2);
  CHECK(unwrap(of_cls.unsigned_value("runed.max_seq_length")) == 96);
  CHECK(unwrap(of_cls.string_array("runed.prompts.names")) ==
        std::vector<std::string_view>{"query"});

  const ModelDirectory cased = tiny("bert-cased");
  const Gguf of_cased = unwrap(cased.read());
  CHECK_FALSE(of_cased.has("runed.prompts.names"));
  CHECK_FALSE(unwrap(of_cased.bool_value("tokenizer.ggml.normalizer.lowercase")));
  CHECK_FALSE(unwrap(of_cased.bool_value("tokenizer.ggml.normalizer.strip_accents")));
  const ModelDirectory lowered = tiny("bert-cased-lower");
  const Gguf of_lowered = unwrap(lowered.read());
  CHECK(unwrap(of_lowered.bool_value("tokenizer.ggml.normalizer.lowercase")));
  CHECK_FALSE(unwrap(of_lowered.bool_value("tokenizer.ggml.normalizer.strip_accents")));
}

TEST_CASE("Dense modules become tensors and keys, in their order") {
  ModelDirectory directory = tiny("bert-dense");
  const Gguf gguf = unwrap(directory.read());
  CHECK(unwrap(gguf.unsigned_value("bert.dense_2_feat_in")) == 32);
  CHECK(unwrap(gguf.unsigned_value("bert.dense_2_feat_out")) == 48);
  CHECK(unwrap(gguf.string_value("runed.dense_2.activation")) == "tanh");
  REQUIRE(gguf.find_tensor("dense_2.weight") != nullptr);
  CHECK(gguf.find_tensor("dense_2.weight")->columns() == 32);
  CHECK(gguf.find_tensor("dense_2.weight")->rows() == 48);
  CHECK(gguf.find_tensor("dense_2.bias")->columns() == 48);
  CHECK(unwrap(gguf.unsigned_value("bert.pooling_type")) == 2);

  directory["2_Dense/pytorch_model.bin"] = "pickle";
  directory.erase("2_Dense/model.safetensors");
  CHECK(refusal(directory) ==
        "the weights are in 2_Dense/pytorch_model.bin alone, a Python pickle, which is a program "
        "and is never loaded");
}

TEST_CASE("a Dense module that does not fit, or has another activation, is refused by name") {
  const auto after = [](const auto& edit, ErrorCode code) {
    ModelDirectory directory = tiny("bert-dense");
    directory.edit("2_Dense/config.json", edit);
    return refusal(directory, code);
  };
  CHECK(after([](Json& json) { json["activation_function"] = "torch.nn.modules.activation.ReLU"; },
              ErrorCode::model_unsupported) ==
        "2_Dense/config.json: key 'activation_function' is 'torch.nn.modules.activation.ReLU', "
        "which is not served");
  CHECK(after([](Json& json) { json["in_features"] = 31; }, ErrorCode::model_corrupt) ==
        "2_Dense/config.json: key 'in_features' is 31, and what comes in is 32 wide");
  CHECK(after([](Json& json) { json["out_features"] = 47; }, ErrorCode::model_corrupt) ==
        "the tensor 'linear.bias' has the shape [48] where config.json gives [47]");
  CHECK(after([](Json& json) { json["bias"] = false; }, ErrorCode::model_unsupported) ==
        "2_Dense/ has a tensor 'linear.bias' that would be left out");
}

TEST_CASE("a checkpoint may have old names, a prefix, and what no vector needs") {
  ModelDirectory directory = tiny("bert-mean");
  const Gguf plain = unwrap(directory.read());
  const auto without = [](std::string text, const std::string& from, const std::string& to) {
    for (size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size()) {
      text.replace(at, from.size(), to);
    }
    return text;
  };
  ModelDirectory old = directory;
  uint64_t size = 0;
  std::string& file = directory["model.safetensors"];
  std::memcpy(&size, file.data(), sizeof size);
  std::string header = file.substr(8, size);
  header = without(header, "LayerNorm.weight", "LayerNorm.gamma");
  header = without(header, "LayerNorm.bias", "LayerNorm.beta");
  header = without(header, "\"embeddings", "\"bert.embeddings");
  header = without(header, "\"encoder", "\"bert.encoder");
  old["model.safetensors"] = runed::test::safetensors_file(header, file.substr(8 + size));
  const Gguf other = unwrap(old.read());
  REQUIRE(other.tensors().size() == plain.tensors().size());
  for (const Tensor& tensor : plain.tensors()) {
    CHECK(largest_difference(tensor, *other.find_tensor(tensor.name)) == 0);
  }
}

TEST_CASE("what a checkpoint lacks, or has too many of, is refused by the tensor's name") {
  const auto renamed = [](const std::string& from, const std::string& to) {
    ModelDirectory directory = tiny("bert-mean");
    std::string& file = directory["model.safetensors"];
    uint64_t size = 0;
    std::memcpy(&size, file.data(), sizeof size);
    std::string header = file.substr(8, size);
    header.replace(header.find(from), from.size(), to);
    file = runed::test::safetensors_file(header, file.substr(8 + size));
    return directory;
  };
  CHECK(refusal(renamed("embeddings.LayerNorm.bias", "embeddings.LayerNorm.more"),
                ErrorCode::model_corrupt) == "the tensor 'embeddings.LayerNorm.bias' is missing");
  CHECK(refusal(renamed("encoder.layer.1.output.dense.bias", "bert.embeddings.LayerNorm.bias"),
                ErrorCode::model_corrupt) ==
        "the tensor 'embeddings.LayerNorm.bias' is there under two names");
  CHECK(refusal(renamed("\"dtype\":\"F32\"", "\"dtype\":\"I32\"")) ==
        "the tensor 'embeddings.LayerNorm.bias' is of type I32");
  CHECK(refusal_after("config.json", [](Json& json) { json["num_hidden_layers"] = 1; }) ==
        "the checkpoint has a tensor 'encoder.layer.1.attention.output.LayerNorm.bias' that would "
        "be left out");
  CHECK(refusal_after(
            "config.json", [](Json& json) { json["num_hidden_layers"] = 3; },
            ErrorCode::model_corrupt) ==
        "the tensor 'encoder.layer.2.attention.self.query.weight' is missing");
  CHECK(refusal_after(
            "config.json", [](Json& json) { json["intermediate_size"] = 65; },
            ErrorCode::model_corrupt) ==
        "the tensor 'encoder.layer.0.intermediate.dense.weight' has the shape [64, 32] where "
        "config.json gives [65, 32]");
}

TEST_CASE("a config.json that means another arithmetic is refused by its key") {
  const auto after = [](const std::string& key, const Json& value) {
    return refusal_after("config.json", [&](Json& json) { json[key] = value; });
  };
  CHECK(after("model_type", "llama") ==
        "config.json: key 'model_type' is 'llama', which is not served from a directory");
  CHECK(after("architectures", Json::array({"BertForTokenClassification"})) ==
        "config.json: key 'architectures' has 'BertForTokenClassification', which gives neither "
        "vectors nor scores");
  CHECK(after("position_embedding_type", "relative_key") ==
        "config.json: key 'position_embedding_type' is 'relative_key', and only 'absolute' is "
        "served");
  CHECK(after("hidden_act", "gelu_new") ==
        "config.json: key 'hidden_act' is 'gelu_new', and only 'gelu' is served");
  CHECK(after("hidden_act", "relu") ==
        "config.json: key 'hidden_act' is 'relu', and only 'gelu' is served");
  CHECK(after("is_decoder", true) ==
        "config.json: key 'is_decoder' is true, and only false is served");
  CHECK(after("quantization_config", {{"quant_method", "gptq"}}) ==
        "config.json: key 'quantization_config' is there: its weights are not plain numbers");
}

TEST_CASE("a config.json that cannot be read is refused by its key") {
  const auto after = [](const std::string& key, const Json& value) {
    return refusal_after(
        "config.json", [&](Json& json) { json[key] = value; }, ErrorCode::model_corrupt);
  };
  CHECK(after("hidden_size", nullptr) == "config.json: key 'hidden_size' is missing");
  CHECK(after("hidden_size", "a") ==
        "config.json: key 'hidden_size' is \"a\" where a whole number from 1 to 16777216 was "
        "expected");
  CHECK(after("hidden_size", -1).starts_with("config.json: key 'hidden_size' is -1 where"));
  CHECK(after("hidden_size", 0).starts_with("config.json: key 'hidden_size' is 0 where"));
  CHECK(after("num_attention_heads", 5) ==
        "config.json: key 'hidden_size' is 32, which 5 heads do not divide");
  CHECK(after("layer_norm_eps", "tiny") ==
        "config.json: key 'layer_norm_eps' is \"tiny\" where a number was expected");
  CHECK(after("hidden_act", 1) == "config.json: key 'hidden_act' is 1 where a text was expected");
  ModelDirectory directory = tiny("bert-mean");
  directory["config.json"] = "{";
  CHECK(refusal(directory, ErrorCode::model_corrupt) == "config.json: invalid JSON at byte 2");
}

TEST_CASE("a model is called by its folder, or by its name in the cache of the hub") {
  CHECK(directory_model_name("/models/all-MiniLM-L6-v2") == "all-MiniLM-L6-v2");
  CHECK(directory_model_name("/models/all-MiniLM-L6-v2/") == "all-MiniLM-L6-v2");
  CHECK(directory_model_name(
            "/h/hub/models--sentence-transformers--all-MiniLM-L6-v2/snapshots/c9745ed1d9f2/") ==
        "all-MiniLM-L6-v2");
  CHECK(directory_model_name("/h/hub/models--bert/snapshots/c9745ed1d9f2") == "bert");
  CHECK(directory_model_name("/") == "unnamed");
}
