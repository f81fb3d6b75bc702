#include "embed/model/hf/unigram_json.hpp"

#include "support/model_directory.hpp"
#include "support/tiny_model.hpp"

using runed::Error;
using runed::ErrorCode;
using runed::Json;
using runed::embed::Gguf;
using runed::test::ModelDirectory;
using runed::test::tiny_path;
using runed::test::unwrap;
using runed::test::unwrap_error;

namespace {

ModelDirectory tiny() {
  return ModelDirectory(tiny_path("bert-unigram"));
}

template <typename Edit>
ModelDirectory edited(const Edit& edit) {
  ModelDirectory directory = tiny();
  directory.edit("tokenizer.json", edit);
  return directory;
}

template <typename Edit>
std::string refusal(const Edit& edit, ErrorCode code = ErrorCode::model_unsupported) {
  const Error error = unwrap_error(edited(edit).read());
  CHECK(error.code == code);
  return error.message;
}

}  // namespace

TEST_CASE("a tokenizer.json of Unigram becomes GGUF's keys, and ours where GGUF has none") {
  const ModelDirectory directory = tiny();
  const Gguf gguf = unwrap(directory.read());
  CHECK(unwrap(gguf.string_value("tokenizer.ggml.model")) == "t5");
  const auto tokens = unwrap(gguf.string_array("tokenizer.ggml.tokens"));
  const auto types = unwrap(gguf.int_array("tokenizer.ggml.token_type"));
  REQUIRE(tokens.size() == 462);
  REQUIRE(types.size() == 462);
  CHECK(unwrap(gguf.float_array("tokenizer.ggml.scores")).size() == 462);
  CHECK(tokens[0] == "<s>");
  CHECK(std::vector(types.begin(), types.begin() + 5) == std::vector<int32_t>{3, 3, 3, 2, 1});
  CHECK(types[461] == 3);
  CHECK(unwrap(gguf.unsigned_value("tokenizer.ggml.bos_token_id")) == 0);
  CHECK(unwrap(gguf.unsigned_value("tokenizer.ggml.eos_token_id")) == 2);
  CHECK(unwrap(gguf.unsigned_value("tokenizer.ggml.unknown_token_id")) == 3);
  CHECK(unwrap(gguf.unsigned_value("tokenizer.ggml.padding_token_id")) == 1);
  CHECK(unwrap(gguf.unsigned_value("tokenizer.ggml.mask_token_id")) == 461);
  CHECK(unwrap(gguf.bool_value("tokenizer.ggml.add_bos_token")));
  CHECK(unwrap(gguf.bool_value("tokenizer.ggml.add_eos_token")));
  CHECK(unwrap(gguf.byte_array("tokenizer.ggml.precompiled_charsmap")).size() == 240007);
  CHECK(unwrap(gguf.bool_value("runed.tokenizer.strip_right")));
  CHECK(unwrap(gguf.bool_value("runed.tokenizer.merge_spaces")));
  CHECK_FALSE(unwrap(gguf.bool_value("runed.tokenizer.split_words")));
  CHECK(unwrap(gguf.int_array("runed.tokenizer.added_tokens.lstrip")) == std::vector<int32_t>{461});
  CHECK_FALSE(gguf.has("runed.tokenizer.added_tokens.rstrip"));
}

TEST_CASE("what a tokenizer.json of Unigram may have otherwise is told in keys") {
  const ModelDirectory directory = edited([](Json& json) {
    json["normalizer"] = nullptr;
    json["pre_tokenizer"] = {
        {"type", "Sequence"},
        {"pretokenizers",
         Json::array(
             {Json{{"type", "WhitespaceSplit"}},
              Json{{"type", "Metaspace"}, {"add_prefix_space", false}, {"split", false}}})}};
    json["post_processor"] = nullptr;
    json["added_tokens"].erase(3);
    json["added_tokens"][3]["special"] = false;
    json["model"]["vocab"].erase(461);
  });
  const Gguf gguf = unwrap(runed::Result<Gguf>(directory.read()));
  CHECK_FALSE(unwrap(gguf.bool_value("runed.tokenizer.has_charsmap")));
  CHECK_FALSE(gguf.has("tokenizer.ggml.precompiled_charsmap"));
  CHECK_FALSE(gguf.has("runed.tokenizer.split_words"));
  CHECK_FALSE(unwrap(gguf.bool_value("runed.tokenizer.split_marks")));
  CHECK_FALSE(unwrap(gguf.bool_value("tokenizer.ggml.add_space_prefix")));
  CHECK_FALSE(unwrap(gguf.bool_value("tokenizer.ggml.add_bos_token")));
  const auto types = unwrap(gguf.int_array("tokenizer.ggml.token_type"));
  CHECK(types[3] == 1);
  CHECK(types[461] == 4);
  CHECK(unwrap(gguf.int_array("runed.tokenizer.added_tokens.no_pieces")) ==
        std::vector<int32_t>{461});
}

TEST_CASE("what of Unigram is not served is refused by its name") {
  const auto replaced = [](const std::string& key, const Json& value) {
    return refusal([&](Json& json) { json[key] = value; });
  };
  CHECK(replaced("normalizer", {{"type", "NFKC"}}) ==
        "tokenizer.json: the normalizer 'NFKC' is not served");
  CHECK(refusal([](Json& json) {
          std::swap(json["normalizer"]["normalizers"][0], json["normalizer"]["normalizers"][1]);
        }) == "tokenizer.json: the normalizer 'Precompiled' is not served");
  CHECK(refusal([](Json& json) {
          std::swap(json["normalizer"]["normalizers"][1], json["normalizer"]["normalizers"][2]);
        }) == "tokenizer.json: the normalizer 'Strip' is not served");
  CHECK(refusal([](Json& json) {
          json["normalizer"]["normalizers"][2]["content"] = "_";
        }).starts_with("tokenizer.json: the normalizer 'Replace with "));
  CHECK(replaced("pre_tokenizer", nullptr) ==
        "tokenizer.json: the pre-tokenizer 'without Metaspace' is not served");
  CHECK(replaced("pre_tokenizer", {{"type", "ByteLevel"}}) ==
        "tokenizer.json: the pre-tokenizer 'ByteLevel' is not served");
  for (const auto& [key, value] : {std::pair("prepend_scheme", "first"), {"replacement", "_"}}) {
    CHECK(refusal([&](Json& json) {
            json["pre_tokenizer"][key] = value;
          }).starts_with("tokenizer.json: the pre-tokenizer 'Metaspace with "));
  }
  CHECK(
      replaced("pre_tokenizer", {{"type", "Sequence"},
                                 {"pretokenizers", Json::array({Json{{"type", "WhitespaceSplit"}},
                                                                Json{{"type", "Metaspace"}}})}}) ==
      "tokenizer.json: the pre-tokenizer 'WhitespaceSplit behind Replace' is not served");
  CHECK(refusal([](Json& json) { json["model"]["byte_fallback"] = true; }) ==
        "tokenizer.json: the model 'Unigram with byte_fallback' is not served");
  CHECK(refusal([](Json& json) { json["model"]["unk_id"] = nullptr; }) ==
        "tokenizer.json: the model 'Unigram without unk_id' is not served");
  ModelDirectory directory = tiny();
  directory.edit("sentence_bert_config.json", [](Json& json) { json["do_lower_case"] = true; });
  CHECK(
      unwrap_error(directory.read()).message ==
      "sentence_bert_config.json: key 'do_lower_case' is true, which is not served with the model "
      "'Unigram' of tokenizer.json");
}

TEST_CASE("a tokenizer.json of Unigram that is damaged is refused by the place") {
  const auto damage = [](const auto& edit) { return refusal(edit, ErrorCode::model_corrupt); };
  CHECK(damage([](Json& json) { json["model"]["unk_id"] = 462; }) ==
        "tokenizer.json: key 'model.unk_id' is 462, and there are 462 pieces");
  CHECK(damage([](Json& json) { json["model"]["vocab"][5] = Json::array({"a"}); }) ==
        "tokenizer.json: key 'model.vocab': element 5 is not a piece and its score");
  CHECK(damage([](Json& json) {
          json["normalizer"]["normalizers"][0]["precompiled_charsmap"] = "?";
        }).ends_with("precompiled_charsmap' is not base64"));
  CHECK(damage([](Json& json) {
          json["model"]["vocab"].push_back(Json::array({"more", -1}));
        }) == "tokenizer.json: the token 'more' has the id 462, and the model 462 tokens");
}
