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
using runed::test::GgufBuilder;
using runed::test::read_file;
using runed::test::unwrap;
using runed::test::unwrap_error;

namespace {

ModelSpec spec_of(const std::string& file) {
  const auto bytes = read_file(RUNED_TEST_DATA "/tiny_gguf/" + file);
  return unwrap(recognise_model(unwrap(Gguf::parse(bytes)), {}, {}));
}

// A file of these tensors, without a byte of data that counts, and a spec that was read of it.
struct Made {
  Made(const std::string& architecture, const std::vector<std::string>& tensors) {
    file.set("general.architecture", architecture);
    for (const std::string& name : tensors) {
      file.tensor(name, runed::embed::TensorType::f32, {2}, std::string(8, '\0'));
    }
    spec.architecture = architecture;
    spec.tokenizer.model = "bert";
    spec.token_types = 2;
    spec.frame = {.before = {1}, .after = {2}};
  }

  runed::Status read() {
    const auto bytes = file.build();
    return runed::embed::read_rank_head(unwrap(Gguf::parse(bytes)), spec);
  }
  std::string refusal() {
    const Error error = unwrap_error(read());
    CHECK(error.facts.has(runed::fact::kConversionFault));
    return error.message;
  }

  GgufBuilder file;
  ModelSpec spec;
};

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

TEST_CASE("a reranker of BERT has a second segment, where the model has segments") {
  Made made("bert", {"token_types.weight", "cls.weight", "cls.output.weight"});
  unwrap(made.read());
  CHECK(made.spec.frame.between == std::vector<TokenId>{2});
  CHECK(made.spec.frame.has_second_segment);
  made.spec.token_types = 1;
  unwrap(made.read());
  CHECK_FALSE(made.spec.frame.has_second_segment);
}

TEST_CASE("a head that no reference was compared with is refused by its model") {
  CHECK(Made("bert", {"cls.weight", "cls.output.weight"}).refusal() ==
        "the model is a reranker of DistilBERT, whose head no engine computes as its makers do");
  CHECK(Made("nomic-bert", {"cls.output.weight"}).refusal() ==
        "key 'general.architecture' is 'nomic-bert', and the model a reranker: of that "
        "architecture none is served");
  CHECK(Made("qwen3", {"cls.weight", "cls.output.weight"}).refusal() ==
        "the model has a tensor 'cls.weight', which no reranker of Qwen3 has");
}

TEST_CASE("a model of several labels is no reranker, unless they are yes and no") {
  Made made("bert", {"token_types.weight", "cls.weight", "cls.output.weight"});
  made.file.set("bert.classifier.output_labels", std::vector<std::string>{"a", "b"});
  CHECK(made.refusal() ==
        "key 'bert.classifier.output_labels' has 2 labels where one was expected: the model tells "
        "classes, and no score of two texts");
  Made qwen3("qwen3", {"cls.output.weight"});
  qwen3.file.set("qwen3.classifier.output_labels", std::vector<std::string>{"no", "yes"});
  CHECK(qwen3.refusal().find("where 'yes', 'no' was expected") != std::string::npos);
}

TEST_CASE("of which tokens ModernBERT's score is made the file must say, but for gte's") {
  const std::vector<std::string> tensors{"cls.weight", "cls.norm.weight", "cls.output.weight"};
  Made made("modern-bert", tensors);
  CHECK(made.refusal() ==
        "key 'modern-bert.classifier.pooling_type' is missing: nobody says of which tokens the "
        "score is made");
  made.spec.name = "Gte Reranker Modernbert Base";
  unwrap(made.read());
  CHECK(made.spec.rank.pooling == Pooling::mean);
  made.file.set("modern-bert.classifier.pooling_type", uint32_t{2});
  unwrap(made.read());
  CHECK(made.spec.rank.pooling == Pooling::cls);
  made.file.set("modern-bert.classifier.pooling_type", uint32_t{3});
  CHECK(made.refusal().ends_with("is 3 where 1 (mean) or 2 (cls) was expected"));
  made.file.set("modern-bert.classifier.pooling_type", uint32_t{1});
  made.file.set("modern-bert.classifier.activation", "silu");
  CHECK(made.refusal() ==
        "key 'modern-bert.classifier.activation' is 'silu' where 'gelu' or 'tanh' was expected");
  CHECK(Made("modern-bert", {"cls.weight", "cls.output.weight"}).refusal() ==
        "the model is a reranker, and has no tensor 'cls.norm.weight': its converter left out a "
        "part of the head");
}
