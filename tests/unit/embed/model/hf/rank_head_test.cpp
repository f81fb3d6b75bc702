#include "embed/model/hf/rank_head.hpp"

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
