#include "embed/model/known_models.hpp"

#include <set>
#include <vector>

#include "support/golden.hpp"

using runed::embed::facts_of;
using runed::embed::FactSource;
using runed::embed::find_known_model;
using runed::embed::has_task;
using runed::embed::known_models;
using runed::embed::KnownModel;
using runed::embed::ModelFacts;
using runed::embed::ModelSpec;
using runed::embed::Pooling;
using runed::test::check_golden;

namespace {

ModelSpec spec_of(const KnownModel& model) {
  ModelSpec spec;
  spec.name = model.name;
  spec.architecture = model.architecture;
  spec.layers = model.layers;
  spec.width = model.width;
  spec.vocabulary = model.vocabulary;
  spec.pooling = {model.pooling, FactSource::model_file};
  return spec;
}

// The same model but for one thing, each time another.
std::vector<ModelSpec> near(const KnownModel& model) {
  std::vector<ModelSpec> others(6, spec_of(model));
  others[0].name += "-ft";
  others[1].architecture += "2";
  others[2].layers += 1;
  others[3].width += 1;
  others[4].vocabulary += 1;
  others[5].pooling.value = model.pooling == Pooling::mean ? Pooling::cls : Pooling::mean;
  return others;
}

std::string describe(const KnownModel& model) {
  const ModelFacts facts = facts_of(model);
  std::string more = facts.max_tokens ? fmt::format(" | {} tokens a text", *facts.max_tokens) : "";
  for (const auto& prompt : facts.prompts->named) {
    more += fmt::format(" | {} '{}'", prompt.name, prompt.text);
  }
  return fmt::format(
      "{} | {} {} layers of {}, {} tokens, {} | query '{}' task '{}' document '{}' "
      "| from {} dimensions{}\n",
      model.name, model.architecture, model.layers, model.width, model.vocabulary,
      name_of(model.pooling), model.query, model.default_task, model.document, model.min_dimensions,
      more);
}

}  // namespace

TEST_CASE("each row is found by its own facts") {
  for (const KnownModel& model : known_models()) {
    INFO(model.name);
    CHECK(find_known_model(spec_of(model)) == &model);
  }
}

TEST_CASE("a model that differs from a row in one of the six facts is unknown") {
  for (const KnownModel& model : known_models()) {
    for (const ModelSpec& other : near(model)) {
      INFO(other.name << ' ' << other.architecture << ' ' << other.layers << ' ' << other.width);
      CHECK(find_known_model(other) == nullptr);
    }
  }
}

TEST_CASE("a row gives the pooling that nobody else says") {
  for (const KnownModel& model : known_models()) {
    ModelSpec silent = spec_of(model);
    silent.pooling = {};
    INFO(model.name);
    CHECK(find_known_model(silent) == &model);
    CHECK(facts_of(model).pooling == model.pooling);
  }
}

TEST_CASE("names are the same whatever their capitals and what stands between their words") {
  ModelSpec spec;
  spec.name = "Bge Small En v1.5";
  spec.architecture = "bert";
  spec.layers = 12;
  spec.width = 384;
  spec.vocabulary = 30522;
  spec.pooling = {Pooling::cls, FactSource::model_file};
  CHECK(find_known_model(spec) != nullptr);
  spec.name = "BGE_small-en V1.5";
  CHECK(find_known_model(spec) != nullptr);
  for (const char* other : {"", "bge-small-en-v15", "bge-small-en", "bge small en v1.5 ",
                            "my-bge-small-en-v1.5", "bge--small-en-v1.5"}) {
    spec.name = other;
    INFO(other);
    CHECK(find_known_model(spec) == nullptr);
  }
}

TEST_CASE("what a row says of prompts and dimensions is what a query gets") {
  const auto facts = [](std::string_view name) {
    for (const KnownModel& model : known_models()) {
      if (model.name == name) return facts_of(model);
    }
    FAIL(name);
    return ModelFacts{};
  };
  const ModelFacts qwen3 = facts("Qwen3-Embedding-0.6B");
  CHECK(qwen3.source == FactSource::known_model);
  CHECK(qwen3.prompts->query.prefix == "Instruct: {task}\nQuery:");
  CHECK(qwen3.prompts->document.prefix.empty());
  CHECK(qwen3.min_dimensions == 32);
  const ModelFacts e5 = facts("e5-small-v2");
  CHECK(e5.prompts->query.prefix == "query: ");
  CHECK(e5.prompts->document.prefix == "passage: ");
  CHECK_FALSE(e5.min_dimensions.has_value());
  CHECK_FALSE(e5.max_tokens.has_value());
  CHECK(facts("all-MiniLM-L6-v2").max_tokens == 256);
  const ModelFacts mini = facts("runed-mini");
  CHECK(mini.prompts->query.prefix.empty());
  CHECK(mini.min_dimensions == 64);
}

TEST_CASE("a model has prompts by the names that its makers gave to tasks") {
  for (const KnownModel& model : known_models()) {
    const auto facts = facts_of(model);
    std::set<std::string> names{"query", "document"};
    for (const auto& prompt : facts.prompts->named) {
      INFO(model.name << ' ' << prompt.name);
      CHECK(names.insert(prompt.name).second);
      CHECK_FALSE(prompt.text.empty());
    }
    const auto* clustering = find_named(*facts.prompts, "clustering");
    if (model.name.starts_with("nomic")) CHECK(clustering->text == "clustering: ");
    if (model.name == "all-MiniLM-L6-v2") CHECK(clustering == nullptr);
    CHECK(facts.prompts->default_name.empty());  // Vectors of texts of no type have no prompt.
  }
}

TEST_CASE("no row is there twice, and each prompt with a task has a default one") {
  std::set<std::string_view> names;
  for (const KnownModel& model : known_models()) {
    INFO(model.name);
    CHECK(names.insert(model.name).second);
    CHECK(model.min_dimensions <= model.width);
    CHECK((model.pooling == Pooling::mean || model.pooling == Pooling::cls ||
           model.pooling == Pooling::last));
    CHECK(has_task(facts_of(model).prompts->query) == !model.default_task.empty());
    CHECK_FALSE(has_task(facts_of(model).prompts->document));
  }
}

// Vectors that were made by a row are in somebody's index: the file may grow, but not change.
TEST_CASE("a row that was released is as it was") {
  std::string rows;
  for (const KnownModel& model : known_models()) {
    std::string row = describe(model);
    for (size_t at = 0; (at = row.find('\n')) + 1 < row.size();) row.replace(at, 1, "\\n");
    rows += row;
  }
  check_golden("known_models.txt", rows);
}
