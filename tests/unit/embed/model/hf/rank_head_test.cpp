#include "embed/model/hf/rank_head.hpp"

#include <algorithm>
#include <array>

#include "embed/model/model_recognition.hpp"
#include "support/model_directory.hpp"
#include "support/result_matchers.hpp"

using runed::Error;
using runed::ErrorCode;
using runed::Json;
using runed::embed::Head;
using runed::embed::ModelSpec;
using runed::embed::RankHead;
using runed::test::ModelDirectory;
using runed::test::unwrap;
using runed::test::unwrap_error;

namespace {

ModelDirectory tiny(const std::string& name) {
  return ModelDirectory(std::string(RUNED_TEST_DATA) + "/tiny/" + name);
}

ModelSpec spec_of(const ModelDirectory& directory) {
  return unwrap(runed::embed::recognise_model(unwrap(directory.read()), {}, {}));
}

std::string refusal_of(const ModelDirectory& directory,
                       ErrorCode code = ErrorCode::model_unsupported) {
  const Error error = unwrap_error(directory.read());
  CHECK(error.code == code);
  return error.message;
}

}  // namespace

TEST_CASE("a cross-encoder of BERT has its pooler, its segments and one score") {
  const ModelDirectory directory = tiny("rerank-bert");
  const ModelSpec spec = spec_of(directory);
  CHECK(spec.head == Head::rank);
  CHECK(spec.rank == RankHead{.has_dense = true});
  CHECK(spec.frame.between == spec.frame.after);
  CHECK(spec.frame.has_second_segment);
  CHECK(spec.longest_text() == 64);
  const auto file = unwrap(directory.read());
  for (const char* name : {"cls.weight", "cls.bias", "cls.output.weight", "cls.output.bias"}) {
    CHECK(file.find_tensor(name) != nullptr);
  }
}

TEST_CASE("modules.json of a cross-encoder has a Transformer alone, if it is there") {
  ModelDirectory directory = tiny("rerank-bert");
  const std::string transformer =
      R"({"idx":0,"name":"0","path":"","type":"sentence_transformers.models.Transformer"})";
  directory["modules.json"] = "[" + transformer + "]";
  CHECK(spec_of(directory).head == Head::rank);
  directory["modules.json"] =
      "[" + transformer +
      R"(,{"idx":1,"name":"1","path":"","type":"sentence_transformers.models.Normalize"}])";
  CHECK(refusal_of(directory) ==
        "modules.json: the module '1' of type 'sentence_transformers.models.Normalize' is not "
        "served with a head that ranks");
}

TEST_CASE("a model that tells classes apart is no reranker") {
  ModelDirectory directory = tiny("rerank-bert");
  directory.edit("config.json", [](Json& json) { json["id2label"]["1"] = "LABEL_1"; });
  CHECK(refusal_of(directory) ==
        "config.json: key 'architectures' has 'BertForSequenceClassification' of 2 labels: the "
        "model tells classes apart, and gives no score");
  directory.edit("config.json", [](Json& json) { json.erase("id2label"); });
  CHECK(refusal_of(directory).find("of 2 labels") != std::string::npos);
  directory.edit("config.json", [](Json& json) { json["num_labels"] = 1; });
  CHECK(spec_of(directory).head == Head::rank);
}

TEST_CASE("a class that gives neither vectors nor scores is refused by its name") {
  ModelDirectory directory = tiny("rerank-bert");
  directory.edit("config.json", [](Json& json) {
    json["architectures"] = Json::array({"BertForTokenClassification"});
  });
  CHECK(refusal_of(directory) ==
        "config.json: key 'architectures' has 'BertForTokenClassification', which gives neither "
        "vectors nor scores");
  // The class of another type of model.
  directory.edit("config.json", [](Json& json) {
    json["architectures"] = Json::array({"ModernBertForSequenceClassification"});
  });
  CHECK(refusal_of(directory).find("'ModernBertForSequenceClassification'") != std::string::npos);
}

TEST_CASE("a directory of Qwen3-Reranker is told by its name, and has the rows of yes and no") {
  ModelDirectory directory = tiny("rerank-qwen3");
  const auto file = unwrap(directory.read("Qwen3-Reranker-0.6B"));
  const ModelSpec spec = unwrap(runed::embed::recognise_model(file, {}, {}));
  CHECK(spec.head == Head::rank);
  CHECK(spec.rank == RankHead{.pooling = runed::embed::Pooling::last,
                              .score = RankHead::Score::log_odds,
                              .pair = RankHead::Pair::prompt});
  const auto* output = file.find_tensor("cls.output.weight");
  const auto* tokens = file.find_tensor("token_embd.weight");
  REQUIRE(output != nullptr);
  CHECK(output->shape == std::array<uint64_t, 4>{32, 2, 1, 1});
  const size_t row_bytes = tokens->data.size() / tokens->rows();
  constexpr size_t kYes = 333;  // As reference.json has them.
  constexpr size_t kNo = 282;
  CHECK(std::ranges::equal(output->data.first(row_bytes),
                           tokens->data.subspan(kYes * row_bytes, row_bytes)));
  CHECK(std::ranges::equal(output->data.subspan(row_bytes),
                           tokens->data.subspan(kNo * row_bytes, row_bytes)));

  CHECK(unwrap_error(directory.read("Qwen3-0.6B")).message.starts_with("there is no modules.json"));
  directory.edit("config.json", [](Json& json) { json["tie_word_embeddings"] = false; });
  CHECK(unwrap_error(directory.read("Qwen3-Reranker-0.6B")).message ==
        "the tensor 'lm_head.weight' is missing");
}
