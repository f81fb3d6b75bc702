#include "embed/tokenizer/unigram_tokenizer.hpp"

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/base64.hpp"
#include "base/sha256.hpp"
#include "embed/model/gguf_metadata.hpp"
#include "embed/model/hf/json_fields.hpp"
#include "embed/model/hf/unigram_json.hpp"
#include "support/gguf_builder.hpp"
#include "support/result_matchers.hpp"
#include "support/tiny_model.hpp"

using runed::ErrorCode;
using runed::Json;
using runed::embed::Charsmap;
using runed::embed::Frame;
using runed::embed::Gguf;
using runed::embed::GgufMetadata;
using runed::embed::SpelledTokens;
using runed::embed::TokenId;
using runed::embed::UnigramNormalizer;
using runed::embed::UnigramTokenizer;
using runed::embed::hf::Fields;
using runed::test::GgufBuilder;
using runed::test::read_json;
using runed::test::tiny_path;
using runed::test::TinyReference;
using runed::test::unwrap;
using runed::test::unwrap_error;

namespace {

using Ids = std::vector<TokenId>;
using Tokenizer = std::unique_ptr<UnigramTokenizer>;

const Frame kFrame{.before = {0}, .after = {2}};

Tokenizer load(const Json& tokenizer_json, const Frame& frame = kFrame) {
  const Fields fields = unwrap(Fields::of("tokenizer.json", {}, tokenizer_json));
  GgufMetadata metadata;
  const auto pieces = static_cast<uint32_t>(tokenizer_json["model"]["vocab"].size());
  // A row more than there are tokens: some models fill their tables up.
  const auto rows =
      std::max(pieces, tokenizer_json["added_tokens"].back()["id"].get<uint32_t>()) + 2;
  unwrap(runed::embed::hf::write_unigram_json({.json = fields, .vocabulary = rows}, metadata));
  return unwrap(UnigramTokenizer::create(unwrap(Gguf::assemble(metadata.file(), {})), frame));
}

Json tiny_tokenizer(const std::string& name) {
  return read_json(tiny_path(name) + "/tokenizer.json");
}

const Json& reference() {
  static const Json json = read_json(RUNED_TEST_DATA_UNPACKED "/unigram_reference.json");
  return json;
}

std::string charsmap() {
  return tiny_tokenizer("xlmr-mean")["normalizer"]["precompiled_charsmap"].get<std::string>();
}

// The tokenizer that was trained on the texts, in one of the ways to treat white space.
Json trained(const std::string& variant) {
  Json tokenizer = read_json(RUNED_TEST_DATA_UNPACKED "/unigram_tokenizer.json");
  tokenizer.update(reference()["variants"][variant]);
  Json& normalizer = tokenizer["normalizer"];
  if (normalizer.is_null()) return tokenizer;
  Json& first = normalizer["type"] == "Sequence" ? normalizer["normalizers"][0] : normalizer;
  first["precompiled_charsmap"] = charsmap();
  return tokenizer;
}

// As the reference has them: their number, and the beginning of their digest.
std::string digest_of(const Ids& ids) {
  std::string bytes(ids.size() * sizeof(TokenId), '\0');
  if (!ids.empty()) std::memcpy(bytes.data(), ids.data(), bytes.size());
  return std::to_string(ids.size()) + ":" + runed::sha256_hex(bytes).substr(0, 12);
}

void check_texts(const UnigramTokenizer& tokenizer, const Json& digests) {
  const Json texts = read_json(RUNED_TEST_DATA_UNPACKED "/unicode_texts.json")["texts"];
  REQUIRE(texts.size() == 2000);
  REQUIRE(digests.size() == 2000);
  for (size_t i = 0; i < texts.size(); ++i) {
    const auto text = texts[i].get<std::string>();
    CAPTURE(i, text);
    CHECK(digest_of(unwrap(tokenizer.tokenize(text))) == digests[i].get<std::string>());
  }
}

std::string utf8(uint32_t point) {
  const auto rest = [&](int shift) { return static_cast<char>(0x80 | ((point >> shift) & 0x3F)); };
  if (point < 0x80) return {static_cast<char>(point)};
  if (point < 0x800) return {static_cast<char>(0xC0 | point >> 6), rest(0)};
  if (point < 0x10000) return {static_cast<char>(0xE0 | point >> 12), rest(6), rest(0)};
  return {static_cast<char>(0xF0 | point >> 18), rest(12), rest(6), rest(0)};
}

// A context of the reference with a character in its places.
std::string in_context(const std::string& context, const std::string& character) {
  std::string text;
  for (size_t i = 0; i < context.size(); ++i) {
    if (context[i] != '{') {
      text += context[i];
      continue;
    }
    text += character;
    i = context.find('}', i);
  }
  return text;
}

GgufBuilder small_unigram() {
  GgufBuilder builder;
  builder.set("tokenizer.ggml.model", "t5")
      .set("tokenizer.ggml.tokens",
           std::vector<std::string>{"<s>", "<pad>", "</s>", "<unk>", "\u2581a", "b"})
      .set("tokenizer.ggml.scores", std::vector<float>{0, 0, 0, 0, -1, -2})
      .set("tokenizer.ggml.token_type", std::vector<int32_t>{3, 3, 3, 2, 1, 1})
      .set("runed.tokenizer.has_charsmap", false);
  return builder;
}

runed::Error refusal_of(const GgufBuilder& builder) {
  const auto bytes = builder.build();
  return unwrap_error(UnigramTokenizer::create(unwrap(Gguf::parse(bytes)), {}));
}

}  // namespace

TEST_CASE("every id of 2,000 texts is that of the reference, however white space is treated") {
  size_t variants = 0;
  for (const auto& [variant, digests] : reference()["ids"].items()) {
    CAPTURE(variant);
    check_texts(*load(trained(variant)), digests);
    ++variants;
  }
  CHECK(variants == 7);
}

TEST_CASE(
    "every id of 2,000 texts is that of the reference, with the vocabularies of tiny models") {
  for (const std::string name : {"bert-unigram", "xlmr-mean"}) {
    CAPTURE(name);
    check_texts(*load(tiny_tokenizer(name)), reference()["tiny"][name]);
  }
}

TEST_CASE(
    "every id of the tiny models' own texts is that of the reference, cut to what they take") {
  for (const std::string name : {"bert-unigram", "xlmr-mean"}) {
    const TinyReference tiny(name);
    const Tokenizer tokenizer = load(tiny_tokenizer(name));
    REQUIRE(tiny.texts.size() == 24);
    for (size_t i = 0; i < tiny.texts.size(); ++i) {
      Ids ids = unwrap(tokenizer->tokenize(tiny.texts[i]));
      if (ids.size() > tiny.max_tokens) {
        ids.resize(tiny.max_tokens);
        ids.back() = 2;
      }
      CAPTURE(name, tiny.texts[i]);
      CHECK(ids == tiny.ids[i]);
    }
  }
}

TEST_CASE("every character is normalised as by the reference, in any cluster") {
  const std::string blob = runed::decode_base64(charsmap()).value_or("");
  const UnigramNormalizer normalizer(unwrap(Charsmap::parse(std::as_bytes(std::span(blob)))),
                                     {.split_words = false});
  const auto contexts = reference()["contexts"].get<std::vector<std::string>>();
  const auto block = reference()["characters_a_digest"].get<uint32_t>();
  const Json& digests = reference()["characters"];
  REQUIRE(digests.size() * block == 0x110000);
  for (uint32_t i = 0; i < digests.size(); ++i) {
    std::string normal;
    for (uint32_t point = i * block; point < (i + 1) * block; ++point) {
      if (point >= 0xD800 && point < 0xE000) continue;
      const std::string character = utf8(point);
      for (const std::string& context : contexts) {
        normal += normalizer.normalize(in_context(context, character)) + '\0';
      }
    }
    CAPTURE(i);
    CHECK(runed::sha256_hex(normal).substr(0, 12) == digests[i].get<std::string>());
  }
}

TEST_CASE("special tokens that a text spells are those tokens, unless the text is plain") {
  const auto bytes = small_unigram().build();
  const Tokenizer tokenizer = unwrap(UnigramTokenizer::create(unwrap(Gguf::parse(bytes)), kFrame));
  CHECK(unwrap(tokenizer->tokenize("a</s> a<unk>b")) == Ids{0, 4, 2, 4, 3, 3, 5, 2});
  CHECK(unwrap(tokenizer->tokenize("")) == Ids{0, 2});
  Ids plain;
  unwrap(tokenizer->append("ab", SpelledTokens::plain, plain));
  CHECK(plain == Ids{4, 5});
  CHECK(unwrap_error(tokenizer->tokenize("a\xFF")).code == ErrorCode::not_utf8);
}

TEST_CASE("a token that was added to the pieces is no piece") {
  GgufBuilder builder = small_unigram();
  builder.set("runed.tokenizer.added_tokens.no_pieces", std::vector<int32_t>{5});
  const auto bytes = builder.build();
  const Tokenizer tokenizer = unwrap(UnigramTokenizer::create(unwrap(Gguf::parse(bytes)), {}));
  CHECK(unwrap(tokenizer->tokenize("ab")) == Ids{4, 3});
}

TEST_CASE("added tokens are found as their flags say") {
  Json json = tiny_tokenizer("bert-unigram");
  const auto add = [&](const char* content, const char* flag) {
    Json token{{"id", 462 + json["added_tokens"].size() - 5}, {"content", content}};
    for (const char* each : {"single_word", "lstrip", "rstrip", "normalized", "special"}) {
      token[each] = std::string_view(each) == flag;
    }
    json["added_tokens"].push_back(token);
  };
  add("FOO", "normalized");
  add("cat", "single_word");
  add("<l>", "lstrip");
  add("<r>", "rstrip");
  const Tokenizer tokenizer = load(json);
  // Ids of tokenizers 0.23.1.
  CHECK(unwrap(tokenizer->tokenize("a ＦＯＯ b")) == Ids{0, 67, 4, 462, 4, 14, 2});
  CHECK(unwrap(tokenizer->tokenize("FOOa")) == Ids{0, 462, 67, 2});
  CHECK(unwrap(tokenizer->tokenize("concatenate cat")) ==
        Ids{0, 4, 11, 257, 11, 209, 159, 209, 5, 463, 2});
  CHECK(unwrap(tokenizer->tokenize("a  <l> b")) == Ids{0, 67, 464, 4, 14, 2});
  CHECK(unwrap(tokenizer->tokenize("a<r>   b")) == Ids{0, 67, 465, 4, 14, 2});
}

TEST_CASE("a file that lacks what Unigram needs, or has it wrong, is refused by the key") {
  CHECK(refusal_of(small_unigram().erase("tokenizer.ggml.scores")).message ==
        "key 'tokenizer.ggml.scores' is missing");
  CHECK(refusal_of(small_unigram().set("tokenizer.ggml.scores", std::vector<float>{0})).message ==
        "key 'tokenizer.ggml.scores' has 1 elements where 6 were expected");
  CHECK(refusal_of(small_unigram().set("tokenizer.ggml.token_type", std::vector<int32_t>{1}))
            .message == "key 'tokenizer.ggml.token_type' has 1 elements where 6 were expected");
  CHECK(refusal_of(small_unigram().erase("runed.tokenizer.has_charsmap")).message ==
        "key 'tokenizer.ggml.precompiled_charsmap' is missing");
  CHECK(refusal_of(small_unigram().set("tokenizer.ggml.unknown_token_id", uint32_t{6})).message ==
        "key 'tokenizer.ggml.unknown_token_id' is 6, and there are 6 tokens");
  CHECK(refusal_of(small_unigram().set("tokenizer.ggml.token_type",
                                       std::vector<int32_t>{3, 3, 3, 1, 1, 1}))
            .message == "key 'tokenizer.ggml.unknown_token_id' is missing");
  CHECK(refusal_of(
            small_unigram().set("runed.tokenizer.added_tokens.no_pieces", std::vector<int32_t>{6}))
            .message ==
        "key 'runed.tokenizer.added_tokens.no_pieces' has 6, and there are 6 tokens");
  CHECK(refusal_of(small_unigram().set(
                       "tokenizer.ggml.tokens",
                       std::vector<std::string>{"<s>", "<pad>", "</s>", "<unk>", "\xE2\x96", "b"}))
            .message == "key 'tokenizer.ggml.tokens': token 4 '\\xe2\\x96' is not UTF-8");
}

TEST_CASE("threads that share a tokenizer get the same ids") {
  const Tokenizer tokenizer = load(tiny_tokenizer("bert-unigram"));
  const std::string text = "The quick brown fox, \u00e9\u0301 \uff21\uff22 \u4e2d\u6587";
  const Ids expected = unwrap(tokenizer->tokenize(text));
  std::vector<std::thread> threads;
  std::vector<int> same(4, 0);
  for (int& count : same) {
    threads.emplace_back([&] {
      for (int i = 0; i < 200; ++i) {
        if (tokenizer->tokenize(text).value() == expected) ++count;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const int count : same) CHECK(count == 200);
}
