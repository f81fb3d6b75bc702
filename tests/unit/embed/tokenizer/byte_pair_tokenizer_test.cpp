#include "embed/tokenizer/byte_pair_tokenizer.hpp"

#include <string>
#include <thread>

#include "base/json.hpp"
#include "embed/model/model_recognition.hpp"
#include "support/gguf_builder.hpp"
#include "support/read_file.hpp"
#include "support/result_matchers.hpp"

using runed::Json;
using runed::embed::BytePairTokenizer;
using runed::embed::Gguf;
using runed::embed::recognise_model;
using runed::embed::TokenId;
using runed::test::GgufBuilder;
using runed::test::read_file;
using runed::test::small_qwen3;
using runed::test::unwrap;
using runed::test::unwrap_error;

namespace {

using Ids = std::vector<TokenId>;

// A tokenizer with the file that it borrows from.
struct Loaded {
  explicit Loaded(std::vector<std::byte> bytes) : file(std::move(bytes)) {
    const Gguf gguf = unwrap(Gguf::parse(file));
    tokenizer =
        unwrap(BytePairTokenizer::create(gguf, unwrap(recognise_model(gguf, {}, {})).frame));
  }

  Ids ids(std::string_view text) const { return unwrap(tokenizer->tokenize(text)); }

  std::vector<std::byte> file;
  std::unique_ptr<BytePairTokenizer> tokenizer;
};

const Loaded& qwen3() {
  static const Loaded loaded(read_file(RUNED_TEST_DATA_UNPACKED "/qwen3-vocab.gguf"));
  return loaded;
}

constexpr TokenId kQwen3Eos = 151643;

// The ids without the EOS, which is checked on the way.
Ids qwen3_ids(std::string_view text) {
  Ids ids = qwen3().ids(text);
  REQUIRE_FALSE(ids.empty());
  CHECK(ids.back() == kQwen3Eos);
  ids.pop_back();
  return ids;
}

Json read_json(const std::string& path) {
  const auto bytes = read_file(path);
  return unwrap(runed::parse_json({reinterpret_cast<const char*>(bytes.data()), bytes.size()}));
}

runed::Error refusal_of(const GgufBuilder& builder) {
  const auto bytes = builder.build();
  const Gguf file = unwrap(Gguf::parse(bytes));
  return unwrap_error(BytePairTokenizer::create(file, unwrap(recognise_model(file, {}, {})).frame));
}

}  // namespace

TEST_CASE("every id of the reference texts is that of the reference tokenizer") {
  const Json cases = read_json(RUNED_TEST_DATA "/qwen3_tokenizer_cases.json");
  REQUIRE(cases.size() == 400);
  for (const Json& entry : cases) {
    const auto text = entry.at("text").get<std::string>();
    CAPTURE(text);
    CHECK(qwen3_ids(text) == entry.at("ids").get<Ids>());
  }
}

TEST_CASE("every id of the built-in model's texts is that of the reference tokenizer") {
  const Loaded mini(read_file(RUNED_BUILTIN_MODEL));
  const Json cases = read_json(RUNED_TEST_DATA "/runed_mini_reference_vectors.json");
  REQUIRE(cases.size() == 34);
  for (const Json& entry : cases) {
    const auto text = entry.at("text").get<std::string>();
    CAPTURE(text);
    CHECK(mini.ids(text) == entry.at("ids").get<Ids>());
  }
}

TEST_CASE("an empty text is its EOS") {
  CHECK(qwen3().ids("") == Ids{kQwen3Eos});
}

TEST_CASE("special tokens are parsed where they stand") {
  CHECK(qwen3_ids("<|endoftext|>") == Ids{kQwen3Eos});
  CHECK(qwen3_ids("<think></think>") == Ids{151667, 151668});
  CHECK(qwen3_ids("<|im_end|><|im_end|>") == Ids{151645, 151645});
  // Nearly one is text.
  CHECK(qwen3_ids("<|im_end |>").size() > 1);
  CHECK(qwen3_ids("<|nothing|>").size() > 1);
}

TEST_CASE("nothing is composed or split across a special token") {
  Ids expected = qwen3_ids("e");
  expected.push_back(151645);
  const Ids mark = qwen3_ids("\u0301x");
  expected.insert(expected.end(), mark.begin(), mark.end());
  CHECK(qwen3_ids("e<|im_end|>\u0301x") == expected);
  // The spaces before it are a run of their own: the last is not given to what follows.
  Ids spaces = qwen3_ids("a  ");
  spaces.push_back(151645);
  spaces.push_back(qwen3_ids("b").front());
  CHECK(qwen3_ids("a  <|im_end|>b") == spaces);
}

TEST_CASE("a text has the ids of its composed form") {
  CHECK(qwen3_ids("cafe\u0301 \u1112\u1161\u11ab") == qwen3_ids("caf\u00e9 \ud55c"));
  CHECK(qwen3_ids("\u212b") == qwen3_ids("\u00c5"));
}

TEST_CASE("a text with NUL bytes is tokenised to its end") {
  const Ids ids = qwen3_ids(std::string_view("a\0b", 3));
  CHECK(ids.front() == qwen3_ids("a").front());
  CHECK(ids.back() == qwen3_ids("b").front());
}

TEST_CASE("a text that is not UTF-8 is refused at its byte") {
  const auto error = unwrap_error(qwen3().tokenizer->tokenize("ab\xff"));
  CHECK(error.code == runed::ErrorCode::not_utf8);
  CHECK(error.message == "text is not UTF-8 at byte 2");
  CHECK(error.facts.text("byte_offset") == "2");
}

TEST_CASE("long hostile texts are tokenised in a moment") {
  for (const std::string unit : {"a", " ", "\n", "1", "!", "<|", "\u0301\u0323", "\ud55c"}) {
    CAPTURE(unit);
    std::string text;
    while (text.size() < 1 << 20) text += unit;
    CHECK(qwen3_ids(text).size() > 1000);
  }
}

TEST_CASE("many threads may use one tokenizer") {
  const Ids expected = qwen3().ids("Threads share what does not change.");
  std::vector<std::thread> threads;
  std::vector<int> equal(4, 0);
  for (int& count : equal) {
    threads.emplace_back([&count, &expected, tokenizer = qwen3().tokenizer.get()] {
      for (int i = 0; i < 200; ++i) {
        const auto ids = tokenizer->tokenize("Threads share what does not change.");
        if (ids.has_value() && *ids == expected) ++count;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(equal == std::vector<int>(4, 200));
}

TEST_CASE("a small vocabulary gives the ids worked out by hand") {
  const Loaded small(small_qwen3().build());
  CHECK(small.ids("abc a<tool>bc") == Ids{257, 259, 260, 258, 261});
}

TEST_CASE("a text is framed as the spec of its model has it") {
  const auto bytes = small_qwen3().build();
  const Gguf file = unwrap(Gguf::parse(bytes));
  const auto ids = [&file](runed::embed::Frame frame) {
    return unwrap(unwrap(BytePairTokenizer::create(file, std::move(frame)))->tokenize("abc"));
  };
  CHECK(ids({}) == Ids{257});
  CHECK(ids({.before = {7}, .after = {8, 9}}) == Ids{7, 257, 8, 9});
}

TEST_CASE("a vocabulary whose parts do not fit is refused") {
  CHECK(refusal_of(small_qwen3().erase("tokenizer.ggml.merges")).message ==
        "key 'tokenizer.ggml.merges' is missing");
  CHECK(
      refusal_of(small_qwen3().set("tokenizer.ggml.token_type", std::vector<int32_t>{1})).message ==
      "key 'tokenizer.ggml.token_type' has 1 elements where 262 were expected");
}
