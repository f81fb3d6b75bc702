#include "embed/model/hf/byte_pair_json.hpp"

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/json.hpp"
#include "base/sha256.hpp"
#include "embed/model/gguf.hpp"
#include "embed/model/hf/json_fields.hpp"
#include "embed/model/hf/word_piece_json.hpp"
#include "embed/model/spec_reader.hpp"
#include "embed/tokenizer/tokenizer_table.hpp"
#include "support/gguf_builder.hpp"
#include "support/read_file.hpp"
#include "support/real_models.hpp"
#include "support/result_matchers.hpp"
#include "support/tiny_model.hpp"

using runed::ErrorCode;
using runed::Json;
using runed::embed::Gguf;
using runed::embed::GgufMetadata;
using runed::embed::ModelSpec;
using runed::embed::SpecReader;
using runed::embed::SpelledTokens;
using runed::embed::TokenId;
using runed::embed::Tokenizer;
using runed::embed::hf::Fields;
using runed::embed::hf::TokenizerSource;
using runed::test::read_file;
using runed::test::read_json;
using runed::test::real_tokenizer;
using runed::test::tiny_path;
using runed::test::unwrap;
using runed::test::unwrap_error;

namespace {

using Ids = std::vector<TokenId>;

// Some more rows than there are tokens, as some models fill their tables up.
uint32_t rows_for(const Json& tokenizer) {
  size_t most = tokenizer["model"]["vocab"].size();
  for (const Json& token : tokenizer["added_tokens"]) {
    most = std::max(most, token["id"].get<size_t>() + 1);
  }
  return static_cast<uint32_t>(most) + 2;
}

runed::Result<Gguf> convert(const Json& tokenizer) {
  TRY_ASSIGN(const Fields fields, Fields::of("tokenizer.json", {}, tokenizer));
  const TokenizerSource source{.json = fields, .vocabulary = rows_for(tokenizer)};
  GgufMetadata metadata;
  TRY(tokenizer["model"]["type"] == "BPE"
          ? runed::embed::hf::write_byte_pair_json(source, metadata)
          : runed::embed::hf::write_word_piece_json(source, metadata));
  return Gguf::assemble(metadata.file(), {});
}

// The tokenizer of a file, with the frame that it says.
std::unique_ptr<const Tokenizer> load(const Gguf& file) {
  ModelSpec spec;
  spec.architecture = "bert";
  const SpecReader reader(file, spec);
  unwrap(reader.read_tokenizer());
  unwrap(reader.read_frame(SpecReader::End::optional));
  return unwrap(make_tokenizer(file, spec));
}

std::unique_ptr<const Tokenizer> load(const Json& tokenizer) {
  return load(unwrap(convert(tokenizer)));
}

Json flags_of(bool special) {
  return {{"single_word", false},
          {"lstrip", false},
          {"rstrip", false},
          {"normalized", false},
          {"special", special}};
}

// The beginning of the vocabulary of Qwen3, as scripts/make-byte-pair-reference has it.
Json qwen3_tokenizer() {
  constexpr size_t kMerges = 20'000;
  constexpr size_t kTokens = 256 + kMerges;
  static const auto bytes = read_file(RUNED_TEST_DATA_UNPACKED "/qwen3-vocab.gguf");
  const Gguf file = unwrap(Gguf::parse(bytes));
  const auto tokens = unwrap(file.string_array("tokenizer.ggml.tokens"));
  const auto types = unwrap(file.int_array("tokenizer.ggml.token_type"));
  const auto merges = unwrap(file.string_array("tokenizer.ggml.merges"));
  Json tokenizer = read_json(tiny_path("qwen2") + "/tokenizer.json");
  tokenizer["post_processor"] = nullptr;
  tokenizer["added_tokens"] = Json::array();
  Json& model = tokenizer["model"];
  model["vocab"] = Json::object();
  model["merges"] = Json::array();
  for (size_t id = 0; id < kTokens; ++id) model["vocab"][std::string(tokens[id])] = id;
  for (size_t rank = 0; rank < kMerges; ++rank) model["merges"].push_back(merges[rank]);
  for (size_t id = 0; id < tokens.size(); ++id) {
    if (types[id] == 1) continue;
    Json added = flags_of(types[id] == 3);
    added["id"] = kTokens + tokenizer["added_tokens"].size();
    added["content"] = tokens[id];
    tokenizer["added_tokens"].push_back(std::move(added));
  }
  return tokenizer;
}

const Json& tokenizer_named(const std::string& name) {
  static std::map<std::string, Json> known;
  const auto [entry, is_new] = known.try_emplace(name);
  if (is_new && name == "qwen3") {
    entry->second = qwen3_tokenizer();
  } else if (is_new && name == "characters") {
    entry->second = read_json(RUNED_TEST_DATA_UNPACKED "/character_pairs.json");
  } else if (is_new) {
    entry->second = read_json(tiny_path(name) + "/tokenizer.json");
  }
  return entry->second;
}

const Json& reference() {
  static const Json json = read_json(RUNED_TEST_DATA_UNPACKED "/byte_pair_reference.json");
  return json;
}

const Json& case_named(const std::string& name) {
  for (const Json& each : reference()["cases"]) {
    if (each["name"] == name) return each;
  }
  FAIL("no case " << name);
  return reference();
}

Json tokenizer_of(const Json& expected) {
  Json tokenizer = tokenizer_named(expected["tokenizer"].get<std::string>());
  if (!expected.contains("set")) return tokenizer;
  for (const auto& [pointer, value] : expected["set"].items()) {
    tokenizer[Json::json_pointer(pointer)] = value;
  }
  return tokenizer;
}

const std::vector<std::string>& texts() {
  static const auto texts = read_json(RUNED_TEST_DATA_UNPACKED "/unicode_texts.json")["texts"]
                                .get<std::vector<std::string>>();
  return texts;
}

std::string text_in(std::string around, const std::string& text) {
  for (size_t at = around.find("{}"); at != std::string::npos;
       at = around.find("{}", at + text.size())) {
    around.replace(at, 2, text);
  }
  return around;
}

std::string digest_of(const Ids& ids) {
  return runed::sha256_hex(std::as_bytes(std::span(ids))).substr(0, 4);
}

// Compares the ids of all texts, and says which are others.
void check_ids(const Json& expected, const Tokenizer& tokenizer) {
  const auto name = expected["name"].get<std::string>();
  const std::string around = expected.value("around", "{}");
  const auto digests = expected["digests"].get<std::string>();
  const std::string plain = expected.value("plain", "");
  REQUIRE(texts().size() == 2'000);
  REQUIRE(digests.size() == 4 * texts().size());
  std::vector<size_t> others;  // The first of them: they tell enough.
  for (size_t i = 0; i < texts().size(); ++i) {
    const std::string text = text_in(around, texts()[i]);
    bool is_equal = digest_of(unwrap(tokenizer.tokenize(text))) == digests.substr(4 * i, 4);
    if (!plain.empty()) {
      Ids ids;
      unwrap(tokenizer.append(text, SpelledTokens::plain, ids));
      is_equal = is_equal && digest_of(ids) == plain.substr(4 * i, 4);
    }
    if (!is_equal && others.size() < 10) others.push_back(i);
  }
  CAPTURE(name, others);
  CHECK(others.empty());
}

// What is said of a tiny tokenizer.json that one value of is replaced in.
std::string refusal(const std::string& name, const std::string& pointer, const Json& value) {
  Json tokenizer = tokenizer_named(name);
  tokenizer[Json::json_pointer(pointer)] = value;
  const auto error = unwrap_error(convert(tokenizer));
  CHECK((error.code == ErrorCode::model_unsupported || error.code == ErrorCode::model_corrupt));
  return error.message;
}

}  // namespace

TEST_CASE("every id of 2,000 texts is that of the reference, by every rule and flag") {
  for (const Json& expected : reference()["cases"]) {
    const auto name = expected["name"].get<std::string>();
    const bool is_of_scores = name.find("score") != std::string::npos;
    if (is_of_scores || name.ends_with("-tokenizer")) continue;
    check_ids(expected, *load(tokenizer_of(expected)));
  }
}

TEST_CASE("every id is that of the reference with the vocabularies of Gemma 3 and Llama 3") {
  for (const std::string name : {"gemma3-tokenizer", "llama3-tokenizer"}) {
    const auto path = real_tokenizer(name);
    if (!path) continue;
    check_ids(case_named(name), *load(read_json(*path)));
  }
}

TEST_CASE("scores stand for the merges that the reference makes of them") {
  const Json& tokenizer = tokenizer_named("characters");
  const Json& vocabulary = tokenizer["model"]["vocab"];
  const auto load_with = [&](size_t tokens_of_a_score) {
    std::vector<std::string> tokens(vocabulary.size());
    std::vector<float> scores(vocabulary.size());
    std::vector<int32_t> types(vocabulary.size(), 1);
    for (const auto& [token, id] : vocabulary.items()) {
      tokens[id.get<size_t>()] = token;
      scores[id.get<size_t>()] =
          -static_cast<float>((id.get<size_t>() + tokens_of_a_score - 1) / tokens_of_a_score);
    }
    for (const Json& added : tokenizer["added_tokens"]) {
      const auto id = added["id"].get<size_t>();
      types[id] = added["special"].get<bool>() ? 3 : 4;
      // As llama.cpp's converter spells them.
      for (size_t at = 0; types[id] == 4 && (at = tokens[id].find("▁")) != std::string::npos;) {
        tokens[id].replace(at, std::string_view("▁").size(), " ");
      }
    }
    static std::vector<std::byte> bytes;
    bytes = runed::test::GgufBuilder()
                .set("tokenizer.ggml.model", "llama")
                .set("tokenizer.ggml.tokens", tokens)
                .set("tokenizer.ggml.scores", scores)
                .set("tokenizer.ggml.token_type", types)
                .set("tokenizer.ggml.add_space_prefix", false)
                .build();
    return load(unwrap(Gguf::parse(bytes)));
  };
  check_ids(case_named("characters by score"), *load_with(1));
  check_ids(case_named("characters by few scores"), *load_with(50));
}

TEST_CASE("files of llama.cpp's converter have the ids of the directory") {
  for (const std::string name : {"roberta", "modernbert-cls", "qwen2"}) {
    const auto bytes = read_file(RUNED_TEST_DATA "/tiny_gguf/" + name + ".f16.gguf");
    const auto tokenizer = load(unwrap(Gguf::parse(bytes)));
    check_ids(case_named(name), *tokenizer);
    check_ids(case_named(name + ", masks"), *tokenizer);
  }
}

TEST_CASE("what a tokenizer.json of BPE has that is not served is refused by its name") {
  const auto refused = [](const std::string& name, const std::string& pointer, const Json& value,
                          const std::string& what) {
    CAPTURE(pointer, value.dump());
    CHECK(refusal(name, pointer, value) == "tokenizer.json: the " + what + " is not served");
  };
  refused("roberta", "/model/dropout", 0.1, "model 'BPE with dropout'");
  refused("roberta", "/model/end_of_word_suffix", "</w>", "end_of_word_suffix '</w>'");
  refused("roberta", "/normalizer", {{"type", "NFKC"}}, "normalizer 'NFKC'");
  const std::string pre = "/pre_tokenizer";
  refused("roberta", pre, nullptr, "pre-tokenizer 'null'");
  refused("roberta", pre, {{"type", "Whitespace"}}, "pre-tokenizer 'Whitespace'");
  refused("roberta", pre + "/use_regex", false, "pre-tokenizer 'ByteLevel without use_regex'");
  const std::string split = pre + "/pretokenizers/0";
  refused("qwen2", split, {{"type", "Digits"}}, "pre-tokenizer 'Digits'");
  refused("qwen2", split + "/behavior", "Removed", "pre-tokenizer 'Split with Removed'");
  refused("qwen2", split + "/pattern", {{"String", "x"}}, "pre-tokenizer 'Split without a Regex'");
  refused("qwen2", split + "/pattern/Regex", R"(\w+|\W+)",
          R"(expression of the pre-tokenizer '\w+|\W+')");
  const std::string byte_level = pre + "/pretokenizers/1";
  refused("qwen2", byte_level + "/use_regex", true,
          "pre-tokenizer 'ByteLevel with use_regex behind another'");
  refused("qwen2", byte_level + "/add_prefix_space", true,
          "pre-tokenizer 'ByteLevel with add_prefix_space behind another'");
  refused("qwen2", pre + "/pretokenizers/2", {{"type", "Digits"}},
          "pre-tokenizer 'Sequence of more than two'");
  refused("gemma", "/normalizer", nullptr, "normalizer 'null'");
  refused("gemma", "/normalizer/content", "_", "normalizer 'Replace with _'");
  refused("gemma", pre, {{"type", "Metaspace"}}, "pre-tokenizer 'Metaspace'");
  refused("gemma", "/model/ignore_merges", true, "model 'BPE with ignore_merges'");
}

TEST_CASE("a tokenizer.json of BPE whose parts do not fit is refused") {
  CHECK(refusal("roberta", "/model/merges/3", "a b c") ==
        "tokenizer.json: key 'model.merges': element 3 is not two tokens without a space");
  CHECK(refusal("roberta", "/model/merges/3", Json::array({"a "})) ==
        "tokenizer.json: key 'model.merges': element 3 is not two tokens without a space");
  CHECK(refusal("roberta", "/model/unk_token", "<none>") ==
        "tokenizer.json: the unknown token '<none>' is no token of it");
  CHECK(refusal("roberta", "/model/vocab/er", 1'000).starts_with("tokenizer.json: the token 'er'"));
}

TEST_CASE("files of BPE say what no key of GGUF's has") {
  const Gguf file = unwrap(convert(tokenizer_named("eurobert")));
  CHECK(unwrap(file.string_value("tokenizer.ggml.pre")) == "llama-bpe");
  CHECK(unwrap(file.bool_value("runed.tokenizer.ignore_merges")));
  CHECK_FALSE(unwrap(file.bool_value("runed.tokenizer.nfc")));
  CHECK(unwrap(file.int_array("runed.tokenizer.added_tokens.no_pieces")).size() == 4);
  const Gguf gemma = unwrap(convert(tokenizer_named("gemma")));
  CHECK(unwrap(gemma.string_value("tokenizer.ggml.model")) == "llama");
  CHECK_FALSE(unwrap(gemma.bool_value("tokenizer.ggml.add_space_prefix")));
  CHECK(unwrap(gemma.unsigned_value("tokenizer.ggml.unknown_token_id")) == 3);
}
