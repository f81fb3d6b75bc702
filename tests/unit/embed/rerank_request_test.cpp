#include "embed/rerank_request.hpp"

#include "support/catch.hpp"
#include "support/result_matchers.hpp"

using runed::Embedding;
using runed::EmbedOptions;
using runed::Error;
using runed::ErrorCode;
using runed::RankedDocument;
using runed::Result;
using runed::ScoreScale;
using runed::Status;
using runed::Truncate;
using runed::embed::check_rerank_options;
using runed::embed::Head;
using runed::embed::longest_first;
using runed::embed::ModelInfo;
using runed::embed::PairLengths;
using runed::embed::PairMaker;
using runed::embed::rank_documents;
using runed::embed::RankHead;
using runed::embed::SpelledTokens;
using runed::embed::TokenId;
using runed::embed::Tokenizer;
using runed::test::unwrap;
using runed::test::unwrap_error;

namespace {

// A token a byte; `#` is a special token of id 1000.
class ByteTokenizer final : public Tokenizer {
 public:
  Result<std::vector<TokenId>> tokenize(std::string_view text) const override {
    std::vector<TokenId> ids;
    unwrap(append(text, SpelledTokens::parsed, ids));
    return ids;
  }
  Status append(std::string_view text, SpelledTokens spelled,
                std::vector<TokenId>& ids) const override {
    for (const char c : text) {
      const bool is_special = c == '#' && spelled == SpelledTokens::parsed;
      ids.push_back(is_special ? 1000 : static_cast<unsigned char>(c));
    }
    return {};
  }
};

const ByteTokenizer kTokenizer;

ModelInfo reranker(uint32_t max_tokens) {
  ModelInfo model;
  model.model_name = "ranker";
  model.max_tokens = max_tokens;
  model.spec.head = Head::rank;
  model.spec.frame = {.before = {1}, .after = {2}, .between = {3, 4}};
  return model;
}

ModelInfo prompted(uint32_t max_tokens) {
  ModelInfo model = reranker(max_tokens);
  model.spec.frame = {};
  model.spec.rank.pair = RankHead::Pair::prompt;
  return model;
}

std::vector<TokenId> bytes(std::string_view text) {
  return {text.begin(), text.end()};
}

}  // namespace

TEST_CASE("of a pair that is too long the longer text is cut, until both are half") {
  const auto cut = [](size_t first, size_t second, size_t room) {
    return longest_first({first, second}, room);
  };
  // As huggingface/tokenizers 0.23 has them.
  CHECK(cut(3, 4, 10) == PairLengths{3, 4});
  CHECK(cut(3, 9, 10) == PairLengths{3, 7});
  CHECK(cut(9, 3, 10) == PairLengths{7, 3});
  CHECK(cut(7, 9, 10) == PairLengths{5, 5});
  CHECK(cut(9, 7, 11) == PairLengths{6, 5});
  CHECK(cut(7, 9, 11) == PairLengths{5, 6});
  CHECK(cut(8, 8, 11) == PairLengths{5, 6});
  CHECK(cut(20, 30, 10) == PairLengths{5, 5});
  CHECK(cut(30, 20, 11) == PairLengths{6, 5});
  CHECK(cut(5, 5, 0) == PairLengths{0, 0});
}

TEST_CASE("a pair is framed by the model's special tokens, and says where its second text begins") {
  const ModelInfo model = reranker(100);
  const auto maker = unwrap(PairMaker::create("ab", {}, model, kTokenizer));
  const auto pair = unwrap(maker.make("c#"));
  CHECK(pair.ids == std::vector<TokenId>{1, 'a', 'b', 3, 4, 'c', 1000, 2});
  CHECK(pair.second == 5);
  CHECK(pair.tokens_dropped == 0);
  CHECK(unwrap(maker.make("")).ids == std::vector<TokenId>{1, 'a', 'b', 3, 4, 2});
}

TEST_CASE("a pair that is too long is refused with its tokens, or cut within its frame") {
  const ModelInfo model = reranker(9);
  const auto strict = unwrap(PairMaker::create("abc", {}, model, kTokenizer));
  CHECK(unwrap(strict.make("de")).ids.size() == 9);
  const Error error = unwrap_error(strict.make("defg"));
  CHECK(error.code == ErrorCode::text_too_long);
  CHECK(error.message == "the query and the document have 11 tokens, the model takes 9");
  const auto cut =
      unwrap(PairMaker::create("abc", {.truncate = Truncate::right}, model, kTokenizer));
  const auto pair = unwrap(cut.make("defg"));
  CHECK(pair.ids == std::vector<TokenId>{1, 'a', 'b', 3, 4, 'd', 'e', 'f', 2});
  CHECK(pair.second == 5);
  CHECK(pair.tokens_dropped == 2);
}

TEST_CASE("a prompt has the task, the query and the document in one string that is plain text") {
  const ModelInfo model = prompted(2000);
  const auto maker = unwrap(PairMaker::create("q#", {.instruction = "find"}, model, kTokenizer));
  const auto pair = unwrap(maker.make("d#"));
  const std::string text(pair.ids.begin(), pair.ids.end());
  CHECK(pair.ids == bytes("<|im_start|>system\nJudge whether the Document meets the requirements "
                          "based on the Query and the Instruct provided. Note that the answer can "
                          "only be \"yes\" or \"no\".<|im_end|>\n<|im_start|>user\n<Instruct>: "
                          "find\n<Query>: q#\n<Document>: d#<|im_end|>\n<|im_start|>assistant\n"
                          "<think>\n\n</think>\n\n"));
  CHECK(pair.second == 0);
}

TEST_CASE("a prompt that is too long loses of the document's end, and keeps its own") {
  const auto whole =
      unwrap(unwrap(PairMaker::create("q", {}, prompted(2000), kTokenizer)).make("document"));
  const ModelInfo model = prompted(static_cast<uint32_t>(whole.ids.size() - 3));
  CHECK(unwrap_error(unwrap(PairMaker::create("q", {}, model, kTokenizer)).make("document")).code ==
        ErrorCode::text_too_long);
  const auto cut =
      unwrap(unwrap(PairMaker::create("q", {.truncate = Truncate::right}, model, kTokenizer))
                 .make("document"));
  CHECK(cut.ids.size() == model.max_tokens);
  CHECK(cut.tokens_dropped == 3);
  const std::string text(cut.ids.begin(), cut.ids.end());
  CHECK(text.find("<Document>: docum<|im_end|>") != std::string::npos);
}

TEST_CASE("a query that is empty, and options without a meaning for pairs, are refused") {
  const ModelInfo model = reranker(100);
  const Error empty = unwrap_error(PairMaker::create("", {}, model, kTokenizer));
  CHECK(empty.code == ErrorCode::empty_text);
  CHECK(empty.message == "the query is empty");
  unwrap(check_rerank_options({}, model));
  unwrap(check_rerank_options({.truncate = Truncate::right}, model));
  unwrap(check_rerank_options({.instruction = "find"}, prompted(100)));
  CHECK(unwrap_error(check_rerank_options({.truncate = Truncate::left}, model)).code ==
        ErrorCode::invalid_argument);
  CHECK(unwrap_error(check_rerank_options({.instruction = "find"}, model)).message ==
        "cannot give 'ranker' an instruction: it has no place for a task");
  CHECK(unwrap_error(
            check_rerank_options({.instruction = std::string((16 << 10) + 1, 'x')}, prompted(100)))
            .message == "the instruction has 16385 bytes, 16384 are allowed");
}

TEST_CASE(
    "a limit without room for texts, and a query that each document would repeat, are refused") {
  const Error framed = unwrap_error(PairMaker::create("a", {}, reranker(5), kTokenizer));
  CHECK(framed.code == ErrorCode::text_too_long);
  CHECK(framed.message ==
        "a pair may have 5 tokens, of which 4 frame its texts: none is left for them");
  unwrap(PairMaker::create("a", {}, reranker(6), kTokenizer));
  CHECK(unwrap_error(PairMaker::create("a", {}, prompted(100), kTokenizer)).code ==
        ErrorCode::text_too_long);
  const std::string long_query((64 << 10) + 1, 'q');
  CHECK(unwrap_error(PairMaker::create(long_query, {}, prompted(200'000), kTokenizer)).message ==
        "the query has 65537 bytes, 65536 are allowed");
}

TEST_CASE("each kind of model refuses what the other kind is for") {
  ModelInfo model = reranker(100);
  const Error vectors = unwrap_error(runed::embed::check_options({}, model));
  CHECK(vectors.code == ErrorCode::wrong_model_kind);
  CHECK(vectors.message ==
        "'ranker' is a reranker: it gives scores of pairs of texts, and no vectors");
  CHECK(vectors.hint.find("runed rerank") != std::string::npos);
  model.spec.head = Head::none;
  const Error scores = unwrap_error(check_rerank_options({}, model));
  CHECK(scores.code == ErrorCode::wrong_model_kind);
  CHECK(scores.message ==
        "'ranker' is an embedding model: it gives vectors, and no scores of pairs");
}

TEST_CASE("documents are ranked by score, then as they came") {
  std::vector<Embedding> scored;
  for (const float score : {0.5F, 30.0F, -1.0F, 31.0F, 0.5F}) {
    scored.push_back({.vector = {score}, .token_count = 7});
  }
  const auto order = [&](ScoreScale scale, size_t top_n) {
    std::vector<uint32_t> indices;
    for (const RankedDocument& each : rank_documents(scored, scale, top_n)) {
      indices.push_back(each.index);
    }
    return indices;
  };
  CHECK(order(ScoreScale::raw, 0) == std::vector<uint32_t>{3, 1, 0, 4, 2});
  CHECK(order(ScoreScale::unit, 0) == std::vector<uint32_t>{3, 1, 0, 4, 2});
  CHECK(order(ScoreScale::raw, 2) == std::vector<uint32_t>{3, 1});
  CHECK(order(ScoreScale::raw, 9).size() == 5);
  const auto unit = rank_documents(scored, ScoreScale::unit, 0);
  CHECK(unit[0].score == 1.0F);
  CHECK(unit[2].score == Approx(0.62245933));
  CHECK(unit[4].score == Approx(0.26894143));
  CHECK(unit[4].token_count == 7);
  CHECK(rank_documents({}, ScoreScale::raw, 3).empty());
}
