#include "embed/tokenizer/word_piece_tokenizer.hpp"

#include <cstring>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/json.hpp"
#include "base/sha256.hpp"
#include "base/text.hpp"
#include "support/gguf_builder.hpp"
#include "support/read_file.hpp"
#include "support/result_matchers.hpp"

using runed::Json;
using runed::embed::Frame;
using runed::embed::Gguf;
using runed::embed::TokenId;
using runed::embed::WordPieceTokenizer;
using runed::test::GgufBuilder;
using runed::test::read_file;
using runed::test::small_word_piece;
using runed::test::unwrap;
using runed::test::unwrap_error;

namespace {

using Ids = std::vector<TokenId>;
using Tokenizer = std::unique_ptr<WordPieceTokenizer>;

Tokenizer load(const std::vector<std::byte>& bytes, Frame frame = {}) {
  return unwrap(WordPieceTokenizer::create(unwrap(Gguf::parse(bytes)), std::move(frame)));
}

const WordPieceTokenizer& uncased() {
  static const Tokenizer tokenizer =
      load(read_file(RUNED_TEST_DATA_UNPACKED "/bert-uncased-vocab.gguf"));
  return *tokenizer;
}

const WordPieceTokenizer& cased() {
  static const Tokenizer tokenizer =
      load(read_file(RUNED_TEST_DATA_UNPACKED "/bge-small-zh-vocab.gguf"));
  return *tokenizer;
}

Ids uncased_ids(std::string_view text) {
  return unwrap(uncased().tokenize(text));
}
Ids cased_ids(std::string_view text) {
  return unwrap(cased().tokenize(text));
}

Json read_json(const std::string& path) {
  const auto bytes = read_file(path);
  return unwrap(runed::parse_json({reinterpret_cast<const char*>(bytes.data()), bytes.size()}));
}

// As the reference has them: their number, and the beginning of their digest.
std::string digest_of(const Ids& ids) {
  std::string bytes(ids.size() * sizeof(TokenId), '\0');
  if (!ids.empty()) std::memcpy(bytes.data(), ids.data(), bytes.size());
  return std::to_string(ids.size()) + ":" + runed::sha256_hex(bytes).substr(0, 12);
}

void check_texts(std::string_view model, std::vector<std::byte> vocabulary) {
  const Tokenizer tokenizer = load(vocabulary, {.before = {101}, .after = {102}});
  const Json reference = read_json(RUNED_TEST_DATA_UNPACKED "/word_piece_texts.json");
  const Json& texts = reference.at("texts");
  const Json& digests = reference.at("ids").at(std::string(model));
  REQUIRE(texts.size() == 2000);
  REQUIRE(digests.size() == 2000);
  for (size_t i = 0; i < texts.size(); ++i) {
    const auto text = texts[i].get<std::string>();
    CAPTURE(i, text);
    CHECK(digest_of(unwrap(tokenizer->tokenize(text))) == digests[i].get<std::string>());
  }
}

// A tiny model's texts, cut to what it takes between [CLS] and [SEP].
void check_tiny(const std::string& model, const std::vector<std::byte>& file) {
  const Tokenizer tokenizer = load(file, {.before = {2}, .after = {3}});
  const Json reference = read_json(RUNED_TEST_DATA "/tiny/" + model + "/reference.json");
  const auto most = reference.at("max_tokens").get<size_t>();
  REQUIRE(reference.at("texts").size() == 24);
  for (size_t i = 0; i < 24; ++i) {
    const auto text = reference.at("texts")[i].get<std::string>();
    Ids ids = unwrap(tokenizer->tokenize(text));
    if (ids.size() > most) {
      ids.resize(most);
      ids.back() = 3;
    }
    CAPTURE(model, text);
    CHECK(ids == reference.at("ids")[i].get<Ids>());
  }
}

std::vector<std::byte> tiny_gguf(const std::string& name) {
  return read_file(RUNED_TEST_DATA "/tiny_gguf/" + name + ".gguf");
}

// A vocab.txt as llama.cpp's converter spells it.
std::vector<std::string> tokens_of(const std::string& model) {
  const auto bytes = read_file(RUNED_TEST_DATA "/tiny/" + model + "/vocab.txt");
  const std::string text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  std::vector<std::string> tokens;
  for (const std::string_view line : runed::split(text, '\n')) {
    if (line.empty()) continue;
    const bool goes_on = line.starts_with("##");
    tokens.push_back(tokens.size() < 5 ? std::string(line)
                     : goes_on         ? std::string(line.substr(2))
                                       : "\u2581" + std::string(line));
  }
  return tokens;
}

runed::Error refusal_of(const GgufBuilder& builder) {
  const auto bytes = builder.build();
  return unwrap_error(WordPieceTokenizer::create(unwrap(Gguf::parse(bytes)), {}));
}

}  // namespace

TEST_CASE("every id of 2,000 texts is that of the reference, with the vocabulary of BERT") {
  check_texts("all-MiniLM-L6-v2, bge-small-en-v1.5, e5-small-v2",
              read_file(RUNED_TEST_DATA_UNPACKED "/bert-uncased-vocab.gguf"));
}

TEST_CASE("every id of 2,000 texts is that of the reference, with the cased one of bge-small-zh") {
  check_texts("bge-small-zh-v1.5", read_file(RUNED_TEST_DATA_UNPACKED "/bge-small-zh-vocab.gguf"));
}

TEST_CASE("every id of the tiny models' texts is that of the reference") {
  check_tiny("bert-mean", tiny_gguf("bert-mean.q8_0"));
  check_tiny("bert-cls", tiny_gguf("bert-mean.q8_0"));  // The same vocabulary.
  check_tiny("bert-cased", tiny_gguf("bert-cased.f16"));
  check_tiny("distilbert", tiny_gguf("distilbert.f16"));
  check_tiny("nomic", tiny_gguf("nomic.q8_0"));
}

TEST_CASE("every id is that of the reference where a vocabulary has no file of its own") {
  const auto tokens = tokens_of("bert-dense");
  const auto file = small_word_piece(tokens).build();
  check_tiny("bert-dense", file);
  check_tiny("bert-bf16", file);
  check_tiny("bert-f16-sharded", file);
}

// bert-cased-lower has bert-cased's vocabulary, and its texts are lower-cased first.
TEST_CASE("lower case goes without accents that go, where a file says so") {
  const auto bytes = tiny_gguf("bert-cased.f16");
  const Gguf file = unwrap(Gguf::parse(bytes));
  std::vector<std::string> tokens;
  for (const auto token : unwrap(file.string_array("tokenizer.ggml.tokens"))) {
    tokens.emplace_back(token);
  }
  check_tiny("bert-cased-lower", small_word_piece(tokens)
                                     .set("tokenizer.ggml.normalizer.lowercase", true)
                                     .set("tokenizer.ggml.normalizer.strip_accents", false)
                                     .build());
}

// Expected ids of the cases below: Hugging Face tokenizers 0.23.3.

TEST_CASE("controls between letters are deleted, and the words join") {
  CHECK(uncased_ids("a\vb a\fb a\u0085b") == Ids{11113, 11113, 11113});
  CHECK(uncased_ids("a\tb\nc\rd") == Ids{1037, 1038, 1039, 1040});
  CHECK(uncased_ids("a\u00adb\u200bc\ufeffd") == Ids{5925, 2094});
  CHECK(uncased_ids("\ue000\U000f0000") == Ids{});
}

TEST_CASE("Hangul keeps all of its jamo, and Devanagari its vowel signs") {
  CHECK(uncased_ids("한국어") == Ids{1469, 30006, 30021, 29991, 30014, 30020, 29999, 30008});
  CHECK(uncased_ids("हिन्दी") == Ids{1339, 29877, 29863, 29861, 29878});
}

TEST_CASE("a word of 101 characters is unknown, one of 100 is not") {
  CHECK(uncased_ids(std::string(100, 'x')).size() == 50);
  CHECK(uncased_ids(std::string(101, 'x')) == Ids{100});
  std::string accents;
  for (int i = 0; i < 100; ++i) accents += "é";
  CHECK(uncased_ids(accents).size() == 50);
  CHECK(uncased_ids(accents + "é") == Ids{100});
  CHECK(uncased_ids(accents + "\u0301").size() == 50);
}

TEST_CASE("accents and case go with the uncased vocabulary, and stay with the cased one") {
  CHECK(uncased_ids("e\u0301té ÉTÉ") == Ids{3802, 2063, 3802, 2063});
  CHECK(cased_ids("e\u0301té ÉTÉ") == Ids{100, 100});
  CHECK(uncased_ids("İstanbul") == Ids{9960});
  CHECK(uncased_ids("Σίσυφος ΟΔΟΣ") ==
        Ids{1173, 18199, 29733, 29735, 29736, 15297, 1169, 29722, 29730, 29733});
  CHECK(uncased_ids("straße STRASSE") == Ids{2358, 27807, 2358, 8180, 3366});
  CHECK(cased_ids("straße STRASSE") == Ids{8811, 8332, 13361, 8154, 100});
}

TEST_CASE("special tokens are parsed where they stand, as they are spelled") {
  CHECK(uncased_ids("[SEP] a [MASK][CLS] [unused0] [sep] [PAD]") ==
        Ids{102, 1037, 103, 101, 1031, 15171, 2692, 1033, 1031, 19802, 1033, 0});
  CHECK(cased_ids("[SEP] a [MASK][CLS] [unused0] [sep] [PAD]") ==
        Ids{102, 143, 103, 101, 138, 163, 11316, 8303, 8129, 140, 138, 9463, 140, 0});
}

TEST_CASE("CJK, punctuation and what is outside of the vocabulary") {
  CHECK(uncased_ids("中文abc日本") == Ids{1746, 1861, 5925, 1864, 1876});
  CHECK(uncased_ids("\U0002b81fa\U0002b820b\U0002b91fc\U0002b920d") == Ids{100, 100, 100, 1040});
  CHECK(uncased_ids("don't-stop!  “quoted” $5 a^b `c`") == Ids{2123, 1005, 1056, 1011, 2644, 999,
                                                               1523, 9339, 1524, 1002, 1019, 1037,
                                                               1034, 1038, 1036, 1039, 1036});
  CHECK(uncased_ids("\u1fef\u037e") == Ids{1036, 1025});
  CHECK(uncased_ids("\u0378\u0379a") == Ids{100});
  CHECK(uncased_ids("▁ ▁a") == Ids{100, 100});
  CHECK(uncased_ids("##ing ing") == Ids{1001, 1001, 13749, 13749});
  CHECK(uncased_ids("") == Ids{});
}

TEST_CASE("our own keys leave steps out") {
  const std::vector<std::string> tokens{"[PAD]", "[UNK]", "[CLS]", "[SEP]",   "[MASK]",
                                        "▁中",   "文",    "▁文",   "▁a\u200b"};
  GgufBuilder file = small_word_piece(tokens);
  CHECK(unwrap(load(file.build())->tokenize("中文 a\u200b")) == Ids{5, 7, 1});
  file.set("runed.tokenizer.split_cjk", false);
  CHECK(unwrap(load(file.build())->tokenize("中文 a\u200b")) == Ids{5, 6, 1});
  file.set("runed.tokenizer.clean_text", false);
  CHECK(unwrap(load(file.build())->tokenize("中文 a\u200b")) == Ids{5, 6, 8});
}

TEST_CASE("tokens of the user's and the unknown one are found in a text without their mark") {
  auto tokens = tokens_of("bert-dense");
  tokens.insert(tokens.end(), {"▁<tool>", "▁[NIL]"});
  std::vector<int32_t> types(tokens.size(), 1);
  types[tokens.size() - 2] = 4;
  types[tokens.size() - 1] = 2;
  const auto last = static_cast<TokenId>(tokens.size() - 1);
  const auto file = small_word_piece(tokens).set("tokenizer.ggml.token_type", types).build();
  CHECK(unwrap(load(file)->tokenize("<tool>[NIL]")) == Ids{last - 1, last});
}

TEST_CASE("a text is framed as the spec of its model has it, also an empty one") {
  const auto file = small_word_piece(tokens_of("bert-dense")).build();
  CHECK(unwrap(load(file, {.before = {7}, .after = {8, 9}})->tokenize("")) == Ids{7, 8, 9});
}

TEST_CASE("a text that is not UTF-8 is refused at its byte by WordPiece too") {
  const auto error = unwrap_error(uncased().tokenize("ab\xff"));
  CHECK(error.code == runed::ErrorCode::not_utf8);
  CHECK(error.message == "text is not UTF-8 at byte 2");
  CHECK(error.facts.text("byte_offset") == "2");
}

TEST_CASE("long hostile texts are encoded in a moment, and none is judged by its bytes") {
  CHECK(max_text_bytes(512, uncased()) == 0);
  const std::vector<std::pair<std::string, size_t>> units{{"a", 1},
                                                          {" ", 0},
                                                          {"\u200b", 0},
                                                          {"!", 1 << 20},
                                                          {"[", 1 << 20},
                                                          {"\u0301\u0323", 0},
                                                          {"\u302e\u1b44", 1},
                                                          {"한", 1},
                                                          {"x y", 1 << 18},
                                                          {"中", 1 << 18}};
  for (const auto& [unit, least] : units) {
    CAPTURE(unit);
    std::string text;
    while (text.size() < 1 << 20) text += unit;
    CHECK(uncased_ids(text).size() >= least);
  }
}

TEST_CASE("many threads may use one WordPiece tokenizer") {
  const std::string_view text = "Threads share what does not change, naïvely.";
  const Ids expected = uncased_ids(text);
  std::vector<std::thread> threads;
  std::vector<int> equal(4, 0);
  for (int& count : equal) {
    threads.emplace_back([&count, &expected, text] {
      for (int i = 0; i < 200; ++i) {
        const auto ids = uncased().tokenize(text);
        if (ids.has_value() && *ids == expected) ++count;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(equal == std::vector<int>(4, 200));
}

TEST_CASE("a WordPiece vocabulary whose parts do not fit is refused") {
  const auto tokens = tokens_of("bert-dense");
  CHECK(refusal_of(small_word_piece(tokens).erase("tokenizer.ggml.tokens")).message ==
        "key 'tokenizer.ggml.tokens' is missing");
  CHECK(
      refusal_of(small_word_piece(tokens).set("tokenizer.ggml.token_type", std::vector<int32_t>{1}))
          .message == "key 'tokenizer.ggml.token_type' has 1 elements where " +
                          std::to_string(tokens.size()) + " were expected");
  CHECK(refusal_of(small_word_piece({"[PAD]"}).erase("tokenizer.ggml.unknown_token_id")).message ==
        "key 'tokenizer.ggml.unknown_token_id' is 100, and there are 1 tokens");
  CHECK(refusal_of(small_word_piece(tokens).set("tokenizer.ggml.normalizer.lowercase", "yes"))
            .message.starts_with("key 'tokenizer.ggml.normalizer.lowercase'"));
}
