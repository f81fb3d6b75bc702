#include "embed/tokenizer/sentence_piece_tokenizer.hpp"

#include <fmt/format.h>

#include <memory>
#include <string>
#include <vector>

#include "support/gguf_builder.hpp"
#include "support/result_matchers.hpp"

using runed::ErrorCode;
using runed::embed::Gguf;
using runed::embed::SentencePieceTokenizer;
using runed::embed::SpelledTokens;
using runed::embed::TokenId;
using runed::test::GgufBuilder;
using runed::test::unwrap;
using runed::test::unwrap_error;

namespace {

using Ids = std::vector<TokenId>;

constexpr TokenId kUnknown = 256;
constexpr TokenId kTool = 257;
constexpr TokenId kSpaces = 258;
constexpr TokenId kMark = 259;
constexpr TokenId kA = 260;
constexpr TokenId kB = 261;
constexpr TokenId kMarkA = 262;
constexpr TokenId kAb = 263;
constexpr TokenId kEuro = 264;

// The bytes, then a small vocabulary, with the scores of it. Runs of spaces are as converters spell them.
GgufBuilder small_gemma() {
  std::vector<std::string> tokens;
  for (int byte = 0; byte < 256; ++byte) tokens.push_back(fmt::format("<0x{:02X}>", byte));
  tokens.insert(tokens.end(), {"<unk>", "<tool>", "  ", "▁", "a", "b", "▁a", "ab", "€"});
  std::vector<int32_t> types(tokens.size(), 1);
  std::fill_n(types.begin(), 256, 6);
  types[kUnknown] = 2;
  types[kTool] = 4;
  types[kSpaces] = 4;
  std::vector<float> scores(tokens.size(), 0);
  scores[kMarkA] = -2;
  scores[kAb] = -1;
  scores[kSpaces] = -3;
  scores[kMark] = -4;
  scores[kA] = -5;
  scores[kB] = -6;
  scores[kEuro] = -7;
  return std::move(GgufBuilder()
                       .set("tokenizer.ggml.tokens", tokens)
                       .set("tokenizer.ggml.token_type", types)
                       .set("tokenizer.ggml.scores", scores)
                       .set("tokenizer.ggml.add_space_prefix", false));
}

runed::Result<std::unique_ptr<SentencePieceTokenizer>> create(const GgufBuilder& builder) {
  const auto bytes = builder.build();
  return SentencePieceTokenizer::create(unwrap(Gguf::parse(bytes)), {.before = {2}, .after = {1}});
}

Ids ids(const GgufBuilder& builder, std::string_view text) {
  Ids ids;
  unwrap(unwrap(create(builder))->append(text, SpelledTokens::parsed, ids));
  return ids;
}

}  // namespace

TEST_CASE("characters are merged over the whole text, and unknown ones are their bytes") {
  const GgufBuilder file = small_gemma();
  CHECK(unwrap(unwrap(create(file))->tokenize("ab")) == Ids{2, kAb, 1});
  CHECK(unwrap(unwrap(create(file))->tokenize("")) == Ids{2, 1});
  CHECK(ids(file, "a ab b") == Ids{kA, kMark, kAb, kMark, kB});
  CHECK(ids(file, "a a") == Ids{kA, kMarkA});
  CHECK(ids(file, "€é\n") == Ids{kEuro, 0xC3, 0xA9, 0x0A});
  CHECK(ids(file, "▁a") == Ids{kMarkA});
}

TEST_CASE("runs of spaces are merged, and found before that only as they are spelled with marks") {
  const GgufBuilder file = small_gemma();
  CHECK(ids(file, "  ") == Ids{kSpaces});
  CHECK(ids(file, "   a") == Ids{kSpaces, kMarkA});  // Not as the first two, of the lowest score.
  CHECK(ids(file, "▁▁▁a") == Ids{kSpaces, kMarkA});
  CHECK(ids(file, "▁ ▁") == Ids{kSpaces, kMark});
}

TEST_CASE("special tokens stand where they are spelled, the unknown one among them") {
  const GgufBuilder file = small_gemma();
  CHECK(ids(file, "a<tool>b<unk>") == Ids{kA, kTool, kB, kUnknown});
  Ids plain;
  unwrap(unwrap(create(file))->append("<tool><unk>", SpelledTokens::plain, plain));
  CHECK(plain.front() == kTool);
  CHECK(plain.size() == 6);
}

TEST_CASE("merges go before scores") {
  GgufBuilder file = small_gemma();
  file.set("tokenizer.ggml.merges", std::vector<std::string>{"▁ a", "a b"});
  CHECK(ids(file, "a ab") == Ids{kA, kMarkA, kB});
}

TEST_CASE("a text of a million characters is encoded in a moment, whatever they are") {
  const auto tokenizer = unwrap(create(small_gemma()));
  CHECK(tokenizer->most_bytes_per_token() == std::string_view("<0x00>").size());
  for (const std::string unit : {"a", "ab", " ", "é", "<tool", "▁"}) {
    std::string text;
    while (text.size() < 1 << 20) text += unit;
    CHECK(unwrap(tokenizer->tokenize(text)).size() > 1000);
  }
}

TEST_CASE("a vocabulary of SentencePiece that is not Gemma's is refused by its key") {
  const auto refusal = [](const GgufBuilder& file) { return unwrap_error(create(file)).message; };
  CHECK(refusal(small_gemma().erase("tokenizer.ggml.add_space_prefix")) ==
        "key 'tokenizer.ggml.add_space_prefix' is missing where false was expected");
  CHECK(refusal(small_gemma().set("tokenizer.ggml.add_space_prefix", true)) ==
        "key 'tokenizer.ggml.add_space_prefix' is true where false was expected");
  CHECK(refusal(small_gemma().erase("tokenizer.ggml.scores")) ==
        "key 'tokenizer.ggml.scores' is missing");
  CHECK(refusal(small_gemma().set("tokenizer.ggml.token_type", std::vector<int32_t>{1})) ==
        "key 'tokenizer.ggml.token_type' has 1 elements where 265 were expected");
  CHECK(refusal(small_gemma().set("tokenizer.ggml.tokens", std::vector<std::string>(265, "a"))) ==
        "key 'tokenizer.ggml.tokens' has no token '<0x00>'");
}
