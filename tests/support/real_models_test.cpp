#include "support/real_models.hpp"

#include <cmath>
#include <filesystem>

#include "support/result_matchers.hpp"
#include "support/temp_dir.hpp"

using runed::test::digest_of;
using runed::test::read_real_reference;
using runed::test::real_model_names;
using runed::test::real_models;
using runed::test::RealModel;
using runed::test::RealModelReference;
using runed::test::RealModelSearch;
using runed::test::ReferenceVector;
using runed::test::search_real_models;
using runed::test::TempDir;
using runed::test::unicode_texts;

namespace {

double length_of(const std::vector<float>& vector) {
  double squares = 0;
  for (const float value : vector) squares += static_cast<double>(value) * value;
  return std::sqrt(squares);
}

}  // namespace

TEST_CASE("each reference has ids of all texts, and vectors of unit length") {
  CHECK(unicode_texts().size() == 2000);
  for (const std::string_view name : real_model_names()) {
    INFO(name);
    const RealModelReference reference = read_real_reference(name);
    CHECK(reference.id_digests.size() == unicode_texts().size());
    REQUIRE(reference.first_ids.size() == 100);
    for (size_t i = 0; i < reference.first_ids.size(); ++i) {
      CHECK(digest_of(reference.first_ids[i]) == reference.id_digests[i]);
    }
    CHECK(reference.vectors.size() == 64);
    for (const ReferenceVector& each : reference.vectors) {
      CHECK(each.text < unicode_texts().size());
      CHECK(each.tokens >= 2);
      CHECK(each.tokens <= reference.max_tokens);
      CHECK(each.vector.size() == reference.width);
      CHECK(std::abs(length_of(each.vector) - 1) < 1e-6);
    }
  }
}

TEST_CASE("what a reference says of its model is as its makers have it") {
  const RealModelReference mini = read_real_reference("all-MiniLM-L6-v2");
  CHECK(mini.max_tokens == 256);
  CHECK(mini.pooling == "mean");
  CHECK(mini.query_prompt.empty());
  const RealModelReference e5 = read_real_reference("e5-small-v2");
  CHECK(e5.query_prompt == "query: ");
  CHECK(e5.document_prompt == "passage: ");
}

TEST_CASE(
    "a model that was fetched is told from one that could not be had, and one never asked for") {
  const TempDir directory;
  runed::test::write_text(directory / "all-MiniLM-L6-v2.sha256", "digests\n");
  runed::test::write_text(directory / "e5-small-v2.left_out", "no registry\n");
  const RealModelSearch search = search_real_models(directory / "");
  REQUIRE(search.found.size() == 1);
  CHECK(search.found.front().name == "all-MiniLM-L6-v2");
  CHECK(search.found.front().directory == directory / "/all-MiniLM-L6-v2");
  CHECK(search.missing == std::vector<std::string>{"model e5-small-v2 (no registry)"});
  CHECK(search.unknown == std::vector<std::string>{"bge-small-en-v1.5", "bge-small-zh-v1.5"});
}

TEST_CASE("the models that were fetched are directories of Hugging Face's") {
  for (const RealModel& model : real_models()) {
    for (const char* part : {"config.json", "model.safetensors", "tokenizer.json", "modules.json",
                             "1_Pooling/config.json", "sentence_bert_config.json"}) {
      INFO(model.directory << '/' << part);
      CHECK(std::filesystem::is_regular_file(model.directory + "/" + part));
    }
  }
}
