#include "embed/model/hf/hf_tokenizer.hpp"

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

// bert-mean with a change to its tokenizer.json.
template <typename Edit>
ModelDirectory edited(const Edit& edit) {
  ModelDirectory directory = tiny("bert-mean");
  directory.edit("tokenizer.json", edit);
  return directory;
}

template <typename Edit>
std::string refusal(const Edit& edit, ErrorCode code = ErrorCode::model_unsupported) {
  const ModelDirectory directory = edited(edit);
  const Error error = unwrap_error(directory.read());
  CHECK(error.code == code);
  return error.message;
}

struct Normalizer {
  bool clean_text = true;
  bool split_cjk = true;
  bool strip_accents = true;
  bool lowercase = true;

  bool operator==(const Normalizer&) const = default;
};

Normalizer normalizer_of(const ModelDirectory& directory) {
  const Gguf gguf = unwrap(directory.read());
  const auto flag = [&gguf](const char* key) {
    return gguf.has(key) ? unwrap(gguf.bool_value(key)) : true;
  };
  return {.clean_text = flag("runed.tokenizer.clean_text"),
          .split_cjk = flag("runed.tokenizer.split_cjk"),
          .strip_accents = unwrap(gguf.bool_value("tokenizer.ggml.normalizer.strip_accents")),
          .lowercase = unwrap(gguf.bool_value("tokenizer.ggml.normalizer.lowercase"))};
}

Normalizer normalizer_of(const Json& normalizer) {
  ModelDirectory directory = edited([&](Json& json) { json["normalizer"] = normalizer; });
  directory.erase("tokenizer_config.json");  // It would say otherwise.
  return normalizer_of(directory);
}

Json bert_normalizer(const Json& strip_accents, bool lowercase) {
  return {{"type", "BertNormalizer"},
          {"clean_text", true},
          {"handle_chinese_chars", true},
          {"strip_accents", strip_accents},
          {"lowercase", lowercase}};
}

}  // namespace

TEST_CASE("what a normalizer does becomes GGUF's keys, or ours where GGUF has none") {
  CHECK(normalizer_of(bert_normalizer(nullptr, true)) == Normalizer{});
  CHECK(normalizer_of(bert_normalizer(nullptr, false)) ==
        Normalizer{.strip_accents = false, .lowercase = false});
  CHECK(normalizer_of(bert_normalizer(true, false)) == Normalizer{.lowercase = false});
  CHECK(normalizer_of(bert_normalizer(false, true)) == Normalizer{.strip_accents = false});
  Json raw = bert_normalizer(nullptr, true);
  raw["clean_text"] = false;
  raw["handle_chinese_chars"] = false;
  CHECK(normalizer_of(raw) == Normalizer{.clean_text = false, .split_cjk = false});
  CHECK(normalizer_of({{"type", "Sequence"},
                       {"normalizers", Json::array({Json{{"type", "Lowercase"}},
                                                    bert_normalizer(nullptr, false)})}}) ==
        Normalizer{.strip_accents = false});
  CHECK(normalizer_of(nullptr) ==
        Normalizer{
            .clean_text = false, .split_cjk = false, .strip_accents = false, .lowercase = false});
}

TEST_CASE("components that are not served are refused by their name") {
  const auto replaced = [](const std::string& key, const Json& value) {
    return refusal([&](Json& json) { json[key] = value; });
  };
  CHECK(replaced("normalizer", {{"type", "NFKC"}}) ==
        "tokenizer.json: the normalizer 'NFKC' is not served");
  CHECK(replaced("normalizer", {{"type", "Sequence"},
                                {"normalizers", Json::array({Json{{"type", "StripAccents"}}})}}) ==
        "tokenizer.json: the normalizer 'StripAccents' is not served");
  CHECK(replaced("pre_tokenizer", {{"type", "Metaspace"}}) ==
        "tokenizer.json: the pre-tokenizer 'Metaspace' is not served");
  CHECK(replaced("pre_tokenizer", nullptr) ==
        "tokenizer.json: the pre-tokenizer 'null' is not served");
  CHECK(replaced("model", {{"type", "WordLevel"}}) ==
        "tokenizer.json: the model 'WordLevel' is not served");
  CHECK(replaced("post_processor", {{"type", "Padding"}}) ==
        "tokenizer.json: the post-processor 'Padding' is not served");
  CHECK(replaced("post_processor", nullptr) ==
        "tokenizer.json: the post-processor 'with 0 tokens before a text and 0 behind it' is not "
        "served");
  CHECK(refusal([](Json& json) { json["post_processor"]["single"].erase(2); }) ==
        "tokenizer.json: the post-processor 'with 1 tokens before a text and 0 behind it' is not "
        "served");
  CHECK(refusal([](Json& json) { json["post_processor"]["single"].erase(1); }) ==
        "tokenizer.json: the post-processor 'TemplateProcessing without a text' is not served");
  CHECK(refusal([](Json& json) { json["post_processor"]["single"][1]["Sequence"]["id"] = "B"; }) ==
        "tokenizer.json: the post-processor 'TemplateProcessing with "
        "{\"Sequence\":{\"id\":\"B\",\"type_id\":0}}' is not served");
  CHECK(refusal([](Json& json) {
          json["post_processor"]["single"][1]["Sequence"]["type_id"] = 1;
        }).starts_with("tokenizer.json: the post-processor 'TemplateProcessing with"));
  CHECK(refusal([](Json& json) {
          json["post_processor"]["special_tokens"]["[SEP]"]["tokens"] = {"[SEP]", "[SEP]"};
        }).starts_with("tokenizer.json: the post-processor 'TemplateProcessing with"));
  CHECK(refusal([](Json& json) { json["model"]["continuing_subword_prefix"] = "@@"; }) ==
        "tokenizer.json: the continuing_subword_prefix '@@' is not served");
  CHECK(refusal([](Json& json) { json["model"]["max_input_chars_per_word"] = 200; }) ==
        "tokenizer.json: the max_input_chars_per_word '200' is not served");
}

TEST_CASE("added tokens are told from others, with their flags") {
  const Gguf gguf = [] {
    static const ModelDirectory directory = edited([](Json& json) {
      json["added_tokens"].push_back(
          {{"id", 7}, {"content", "#"}, {"special", false}, {"normalized", true}});
      json["model"]["vocab"].erase("[MASK]");
      json["added_tokens"][4]["lstrip"] = true;
    });
    return unwrap(directory.read());
  }();
  using Ids = std::vector<int32_t>;
  CHECK(unwrap(gguf.int_array("tokenizer.ggml.token_type"))[4] == 3);
  CHECK(unwrap(gguf.int_array("tokenizer.ggml.token_type"))[7] == 4);
  CHECK(unwrap(gguf.string_array("tokenizer.ggml.tokens"))[7] == "▁#");
  CHECK(unwrap(gguf.int_array("runed.tokenizer.added_tokens.lstrip")) == Ids{4});
  CHECK(unwrap(gguf.int_array("runed.tokenizer.added_tokens.normalized")) == Ids{7});
  CHECK(unwrap(gguf.int_array("runed.tokenizer.added_tokens.no_pieces")) == Ids{4});
  CHECK_FALSE(gguf.has("runed.tokenizer.added_tokens.rstrip"));
  CHECK(refusal([](Json& json) { json["added_tokens"][4]["id"] = 3; }, ErrorCode::model_corrupt) ==
        "tokenizer.json: the tokens '[SEP]' and '[MASK]' have both the id 3");
  CHECK(
      refusal([](Json& json) { json["added_tokens"][4].erase("id"); }, ErrorCode::model_corrupt) ==
      "tokenizer.json: the token '[MASK]' has the id null, and the model 430 tokens");
}

TEST_CASE("a frame may be told in several ways, and its tokens are in the vocabulary") {
  const Json pairs = {{"sep", Json::array({"[SEP]", 3})}, {"cls", Json::array({"[CLS]", 2})}};
  for (const std::string type : {"BertProcessing", "RobertaProcessing", "Sequence"}) {
    const ModelDirectory directory = edited([&](Json& json) {
      Json processor = pairs;
      processor["type"] = type == "Sequence" ? "BertProcessing" : type;
      const Json both = Json::array({Json{{"type", "ByteLevel"}}, processor});
      json["post_processor"] =
          type == "Sequence" ? Json{{"type", type}, {"processors", both}} : processor;
    });
    const Gguf gguf = unwrap(directory.read());
    CHECK(unwrap(gguf.unsigned_value("tokenizer.ggml.bos_token_id")) == 2);
    CHECK(unwrap(gguf.unsigned_value("tokenizer.ggml.eos_token_id")) == 3);
  }
  CHECK(refusal(
            [](Json& json) {
              json["post_processor"] = {{"type", "BertProcessing"},
                                        {"sep", Json::array({"</s>", 3})},
                                        {"cls", Json::array({"[CLS]", 2})}};
            },
            ErrorCode::model_corrupt) ==
        "tokenizer.json: key 'post_processor.sep' is not a token and its id");
}

TEST_CASE("a vocabulary that does not fit the table of embeddings is refused") {
  CHECK(
      refusal([](Json& json) { json["model"]["vocab"]["more"] = 430; }, ErrorCode::model_corrupt) ==
      "tokenizer.json: the token 'more' has the id 430, and the model 430 tokens");
  CHECK(
      refusal([](Json& json) { json["model"]["vocab"]["more"] = -1; }, ErrorCode::model_corrupt) ==
      "tokenizer.json: the token 'more' has the id -1, and the model 430 tokens");
  CHECK(refusal([](Json& json) { json["model"]["vocab"]["more"] = 20; }, ErrorCode::model_corrupt)
            .ends_with("and 'more' have both the id 20"));
}

TEST_CASE("rows of the table that have no token stand for nothing") {
  const ModelDirectory directory = edited([](Json& json) {
    Json vocabulary = Json::object();
    for (const auto& [token, id] : json["model"]["vocab"].items()) {
      if (id != 429 && id != 100) vocabulary[token] = id;
    }
    json["model"]["vocab"] = vocabulary;
  });
  const Gguf gguf = unwrap(directory.read());
  const auto tokens = unwrap(gguf.string_array("tokenizer.ggml.tokens"));
  const auto types = unwrap(gguf.int_array("tokenizer.ggml.token_type"));
  REQUIRE(tokens.size() == 430);
  CHECK(tokens[100] == "\u2581[PAD100]");
  CHECK(types[100] == 5);
  CHECK(tokens[429] == "\u2581[PAD429]");
  CHECK(types[429] == 5);
}

TEST_CASE("vocab.txt alone gives the same tokenizer, with what tokenizer_config.json says") {
  ModelDirectory directory = tiny("bert-mean");
  const Gguf whole = unwrap(directory.read());
  directory.erase("tokenizer.json");
  ModelDirectory old = directory;
  const Gguf plain = unwrap(old.read());
  CHECK(unwrap(plain.string_array("tokenizer.ggml.tokens")) ==
        unwrap(whole.string_array("tokenizer.ggml.tokens")));
  CHECK(unwrap(plain.int_array("tokenizer.ggml.token_type")) ==
        unwrap(whole.int_array("tokenizer.ggml.token_type")));
  CHECK(unwrap(plain.unsigned_value("tokenizer.ggml.mask_token_id")) ==
        unwrap(whole.unsigned_value("tokenizer.ggml.mask_token_id")));
  CHECK(normalizer_of(old) == Normalizer{});
  old.edit("tokenizer_config.json", [](Json& json) {
    json["do_lower_case"] = false;
    json["tokenize_chinese_chars"] = false;
    json["cls_token"] = {{"content", "[MASK]"}, {"lstrip", false}};
  });
  CHECK(normalizer_of(old) ==
        Normalizer{.split_cjk = false, .strip_accents = false, .lowercase = false});
  CHECK(unwrap(unwrap(old.read()).unsigned_value("tokenizer.ggml.bos_token_id")) == 4);
  old.edit("tokenizer_config.json", [](Json& json) { json["do_basic_tokenize"] = false; });
  CHECK(unwrap_error(old.read()).message ==
        "tokenizer_config.json: key 'do_basic_tokenize' is false, which is not served");
  old = directory;
  old["vocab.txt"] += "[PAD]\n";
  CHECK(unwrap_error(old.read()).message == "vocab.txt: the token '[PAD]' is there twice");
  old = directory;
  old["vocab.txt"] += "more\n";
  CHECK(unwrap_error(old.read()).message == "vocab.txt: it has 431 tokens, and the model 430");
  old.erase("vocab.txt");
  CHECK(unwrap_error(old.read()).message ==
        "there is no tokenizer: neither tokenizer.json nor vocab.txt");
}

TEST_CASE("what says of the tokenizer otherwise than tokenizer.json is refused") {
  CHECK(refusal([](Json& json) {
          json["post_processor"]["special_tokens"]["[CLS]"]["ids"] = Json::array({12});
        }).find("the post-processor 'TemplateProcessing with") != std::string::npos);
  ModelDirectory directory = tiny("bert-mean");
  directory.edit("tokenizer_config.json", [](Json& json) { json["do_lower_case"] = false; });
  CHECK(unwrap_error(directory.read()).message ==
        "tokenizer_config.json: key 'do_lower_case' is false, and the normalizer of tokenizer.json "
        "says otherwise");
  directory = tiny("bert-mean");
  directory["adapter_config.json"] = "{}";
  CHECK(unwrap_error(directory.read()).message ==
        "adapter_config.json: an adapter changes the weights, which is not served");
  directory = tiny("bert-mean");
  directory.erase("tokenizer.json");
  unwrap(directory.read());
  directory["added_tokens.json"] = R"({"new": 5})";
  CHECK(unwrap_error(directory.read()).message ==
        "added_tokens.json: tokens are added to those of vocab.txt, which is not served");
  directory.erase("added_tokens.json");
  directory.edit("tokenizer_config.json",
                 [](Json& json) { json["tokenizer_class"] = "BertJapaneseTokenizer"; });
  CHECK(unwrap_error(directory.read()).message ==
        "tokenizer_config.json: key 'tokenizer_class' is 'BertJapaneseTokenizer', which is not "
        "served without tokenizer.json");
}
