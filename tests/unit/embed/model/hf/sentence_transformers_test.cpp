#include "embed/model/hf/sentence_transformers.hpp"

#include "support/model_directory.hpp"
#include "support/result_matchers.hpp"

using runed::Error;
using runed::ErrorCode;
using runed::Json;
using runed::embed::Gguf;
using runed::test::ModelDirectory;
using runed::test::unwrap;
using runed::test::unwrap_error;

namespace {

ModelDirectory tiny(const std::string& name) {
  return ModelDirectory(std::string(RUNED_TEST_DATA) + "/tiny/" + name);
}

std::string refusal(const ModelDirectory& directory,
                    ErrorCode code = ErrorCode::model_unsupported) {
  const Error error = unwrap_error(directory.read());
  CHECK(error.code == code);
  return error.message;
}

template <typename Edit>
std::string refusal_after(const std::string& name, const std::string& file, const Edit& edit,
                          ErrorCode code = ErrorCode::model_unsupported) {
  ModelDirectory directory = tiny(name);
  directory.edit(file, edit);
  return refusal(directory, code);
}

constexpr const char* kPooling = "1_Pooling/config.json";

}  // namespace

TEST_CASE("a directory without modules.json is refused, since nobody says how to pool") {
  ModelDirectory directory = tiny("bert-mean");
  directory.erase("modules.json");
  const Error error = unwrap_error(directory.read());
  CHECK(error.code == ErrorCode::model_unsupported);
  CHECK(error.message ==
        "there is no modules.json, so that nobody says how a text becomes one vector");
  CHECK(error.hint.starts_with("get the whole directory of a sentence-transformers model"));
}

TEST_CASE("modules that are not served, or in another order, are refused by their name") {
  CHECK(refusal_after(
            "bert-mean", "modules.json",
            [](Json& json) { json[2]["type"] = "sentence_transformers.models.LayerNorm"; }) ==
        "modules.json: the module '2' of type 'sentence_transformers.models.LayerNorm' is not "
        "served");
  CHECK(refusal_after("bert-mean", "modules.json",
                      [](Json& json) { json[0]["type"] = "custom_st.Transformer"; }) ==
        "modules.json: the module '0' of type 'custom_st.Transformer' is not served as the first");
  CHECK(refusal_after("bert-mean", "modules.json", [](Json& json) { json.erase(1); }) ==
        "modules.json: the module '2' of type 'sentence_transformers.models.Normalize' is not "
        "served as the second");
  CHECK(refusal_after("bert-mean", "modules.json",
                      [](Json& json) {
                        json.erase(2);
                        json.erase(1);
                      }) ==
        "modules.json: it has a Transformer and no Pooling: the model gives scores or vectors of "
        "tokens, and none of a text");
  CHECK(refusal_after("bert-dense", "modules.json",
                      [](Json& json) { std::swap(json[2], json[3]); }) ==
        "modules.json: the module '2' of type 'sentence_transformers.models.Dense' is not served "
        "in this place");
}

TEST_CASE("poolings that are not served are refused by their name, in either style") {
  const auto after = [](const auto& edit, ErrorCode code = ErrorCode::model_unsupported) {
    return refusal_after("bert-mean", kPooling, edit, code);
  };
  for (const auto& [flag, name] : std::vector<std::pair<std::string, std::string>>{
           {"pooling_mode_max_tokens", "max"},
           {"pooling_mode_mean_sqrt_len_tokens", "mean_sqrt_len_tokens"},
           {"pooling_mode_weightedmean_tokens", "weightedmean"}}) {
    CHECK(after([&, flag = flag](Json& json) {
            json["pooling_mode_mean_tokens"] = false;
            json[flag] = true;
          }) == "1_Pooling/config.json: the pooling '" + name + "' is not served");
  }
  CHECK(after([](Json& json) { json["pooling_mode_cls_token"] = true; }) ==
        "1_Pooling/config.json: the pooling 'cls+mean' is not served");
  CHECK(after([](Json& json) { json["pooling_mode_mean_tokens"] = false; },
              ErrorCode::model_corrupt) == "1_Pooling/config.json: no pooling mode is on");
  CHECK(after([](Json& json) { json["include_prompt"] = false; }) ==
        "1_Pooling/config.json: key 'include_prompt' is false: pooling that leaves out the tokens "
        "of a prompt is not served");
  CHECK(refusal_after("bert-cls", kPooling, [](Json& json) { json["pooling_mode"] = "max"; }) ==
        "1_Pooling/config.json: the pooling 'max' is not served");
  CHECK(refusal_after("bert-cls", kPooling, [](Json& json) { json["pooling_mode"] = "what"; }) ==
        "1_Pooling/config.json: the pooling 'what' is not served");
}

TEST_CASE("the last token may be the pooling, in either style") {
  ModelDirectory directory = tiny("bert-mean");
  directory.edit(kPooling, [](Json& json) {
    json["pooling_mode_mean_tokens"] = false;
    json["pooling_mode_lasttoken"] = true;
  });
  CHECK(unwrap(unwrap(directory.read()).unsigned_value("bert.pooling_type")) == 3);
  directory = tiny("bert-cls");
  directory.edit(kPooling, [](Json& json) { json["pooling_mode"] = "lasttoken"; });
  CHECK(unwrap(unwrap(directory.read()).unsigned_value("bert.pooling_type")) == 3);
}

TEST_CASE(
    "the longest text is what sentence-transformers says, else the tokenizer, else the model") {
  ModelDirectory directory = tiny("bert-mean");
  const auto longest = [&] {
    return unwrap(unwrap(directory.read()).unsigned_value("runed.max_seq_length"));
  };
  const auto set = [&](const std::string& file, const std::string& key, const Json& value) {
    directory.edit(file, [&](Json& json) { json[key] = value; });
  };
  set("sentence_bert_config.json", "max_seq_length", 64);
  CHECK(longest() == 64);
  set("sentence_bert_config.json", "max_seq_length", 1000);  // More than it has positions.
  CHECK(longest() == 96);
  set("sentence_bert_config.json", "max_seq_length", nullptr);
  set("tokenizer_config.json", "model_max_length", 80);
  CHECK(longest() == 80);
  directory.erase("sentence_bert_config.json");
  CHECK(longest() == 80);
  directory["tokenizer_config.json"] = R"({"model_max_length":1000000000000000019884624838656})";
  CHECK(longest() == 96);
  directory.erase("tokenizer_config.json");
  CHECK(longest() == 96);
  directory["tokenizer_config.json"] = R"({"model_max_length":2})";
  CHECK(refusal(directory, ErrorCode::model_corrupt) ==
        "the longest text has 2 tokens, which leaves none for words");
}

TEST_CASE("prompts are kept with their names, and the one that counts where none is named") {
  ModelDirectory directory = tiny("bert-mean");
  directory.edit("config_sentence_transformers.json",
                 [](Json& json) { json["default_prompt_name"] = "passage"; });
  const Gguf gguf = unwrap(directory.read());
  CHECK(unwrap(gguf.string_value("runed.prompts.default")) == "passage");
  CHECK(refusal_after(
            "bert-mean", "config_sentence_transformers.json",
            [](Json& json) { json["default_prompt_name"] = "document"; },
            ErrorCode::model_corrupt) ==
        "config_sentence_transformers.json: key 'default_prompt_name' is 'document', and there is "
        "no such prompt");
  CHECK(refusal_after(
            "bert-mean", "config_sentence_transformers.json",
            [](Json& json) { json["prompts"]["query"] = 1; }, ErrorCode::model_corrupt) ==
        "config_sentence_transformers.json: key 'prompts.query' is 1 where a text was expected");
}
