#include "embed/model/rank_head_reader.hpp"

#include "embed/model/model_recognition.hpp"
#include "support/gguf_builder.hpp"
#include "support/read_file.hpp"
#include "support/result_matchers.hpp"

using runed::Error;
using runed::ErrorCode;
using runed::embed::FactSource;
using runed::embed::Gguf;
using runed::embed::Head;
using runed::embed::ModelSpec;
using runed::embed::Pooling;
using runed::embed::RankHead;
using runed::embed::recognise_model;
using runed::embed::TokenId;
using runed::test::read_file;
using runed::test::unwrap;
using runed::test::unwrap_error;

namespace {

ModelSpec spec_of(const std::string& file) {
  const auto bytes = read_file(RUNED_TEST_DATA "/tiny_gguf/" + file);
  return unwrap(recognise_model(unwrap(Gguf::parse(bytes)), {}, {}));
}

Error refusal_of(const std::string& file) {
  const auto bytes = read_file(RUNED_TEST_DATA "/tiny_gguf/" + file);
  const Error error = unwrap_error(recognise_model(unwrap(Gguf::parse(bytes)), {}, {}));
  CHECK(error.code == ErrorCode::model_unsupported);
  CHECK(error.facts.has(runed::fact::kConversionFault));
  CHECK_FALSE(error.hint.empty());
  return error;
}

}  // namespace

TEST_CASE("a reranker of XLM-RoBERTa is told by its head, and frames pairs with two tokens") {
  const ModelSpec spec = spec_of("rerank-xlmr.f16.gguf");
  CHECK(spec.head == Head::rank);
  CHECK(spec.pooling.value == Pooling::rank);
  CHECK(spec.dimension() == 1);
  CHECK(spec.rank == RankHead{.pooling = Pooling::cls, .has_dense = true});
  CHECK(spec.pooled_state() == Pooling::cls);
  CHECK(spec.frame.before == std::vector<TokenId>{0});
  CHECK(spec.frame.between == std::vector<TokenId>{2, 2});
  CHECK(spec.frame.after == std::vector<TokenId>{2});
  CHECK_FALSE(spec.frame.has_second_segment);
}

TEST_CASE("a reranker of ModernBERT says of which tokens its score is made") {
  const ModelSpec spec = spec_of("rerank-modernbert.f16.gguf");
  CHECK(spec.rank == RankHead{.pooling = Pooling::mean,
                              .has_dense = true,
                              .activation = RankHead::Activation::gelu,
                              .has_norm = true});
  CHECK(spec.frame.between == std::vector<TokenId>{446});
  // An embedding model has that key too, and no head.
  CHECK(spec_of("modernbert-cls.f16.gguf").head == Head::none);
}

TEST_CASE("a reranker of Qwen3 has a prompt for a frame") {
  const ModelSpec spec = spec_of("rerank-qwen3.f16.gguf");
  CHECK(spec.rank == RankHead{.pooling = Pooling::last,
                              .score = RankHead::Score::log_odds,
                              .pair = RankHead::Pair::prompt});
  CHECK(spec.frame == runed::embed::Frame{});
  CHECK(spec.rank.outputs() == 2);
}

TEST_CASE("rerankers that were converted without a part of their head are refused by it") {
  const Error bert = refusal_of("broken-rerank-bert.f16.gguf");
  CHECK(bert.message ==
        "the model has a tensor 'cls.output.weight' and none 'cls.weight': it is a reranker, and "
        "its converter left the pooler out");
  CHECK(bert.hint.find("directory") != std::string::npos);
  const Error qwen3 = refusal_of("broken-rerank-qwen3.f16.gguf");
  CHECK(qwen3.message ==
        "the model is a reranker, and has no tensor 'cls.output.weight': its converter took it for "
        "a language model");
  CHECK(qwen3.hint.find("ggml-org") != std::string::npos);
}
