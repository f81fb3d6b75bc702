#include "embed/model/model_facts.hpp"

#include <array>
#include <span>

#include "embed/model/model_spec.hpp"
#include "support/catch.hpp"

using runed::Prompt;
using runed::embed::FactSource;
using runed::embed::fill_prompt;
using runed::embed::find_pooling;
using runed::embed::has_task;
using runed::embed::list_prompts;
using runed::embed::ModelFacts;
using runed::embed::ModelSpec;
using runed::embed::NamedPrompt;
using runed::embed::Pooling;
using runed::embed::Prompts;
using runed::embed::take_facts;

namespace {

Prompts prompts_of(const std::string& query) {
  return {.query = {.prefix = query, .default_task = {}}, .document = {}};
}

ModelSpec spec_of(std::span<const ModelFacts> places) {
  ModelSpec spec;
  take_facts(places, spec);
  return spec;
}

}  // namespace

TEST_CASE("nothing is known of a model that nobody says anything of") {
  const ModelSpec spec = spec_of({});
  CHECK_FALSE(spec.prompts.is_known());
  CHECK_FALSE(spec.pooling.is_known());
  CHECK_FALSE(spec.min_dimensions.is_known());
  CHECK(spec.prompts.value == Prompts{});
}

TEST_CASE("each fact is that of the first place which has it, and says which that was") {
  const std::array<ModelFacts, 3> places{
      ModelFacts{.source = FactSource::model_file,
                 .prompts = {},
                 .pooling = Pooling::mean,
                 .min_dimensions = {}},
      ModelFacts{.source = FactSource::manifest,
                 .prompts = prompts_of("manifest: "),
                 .pooling = Pooling::cls,
                 .min_dimensions = {}},
      ModelFacts{.source = FactSource::known_model,
                 .prompts = prompts_of("table: "),
                 .pooling = Pooling::last,
                 .min_dimensions = 64}};
  const ModelSpec spec = spec_of(places);
  CHECK(spec.pooling.value == Pooling::mean);
  CHECK(spec.pooling.source == FactSource::model_file);
  CHECK(spec.prompts.value == prompts_of("manifest: "));
  CHECK(spec.prompts.source == FactSource::manifest);
  CHECK(spec.min_dimensions.value == 64);
  CHECK(spec.min_dimensions.source == FactSource::known_model);
}

TEST_CASE("a place that says there are no prompts is believed") {
  const std::array<ModelFacts, 2> places{
      ModelFacts{.source = FactSource::manifest,
                 .prompts = Prompts{},
                 .pooling = {},
                 .min_dimensions = {}},
      ModelFacts{.source = FactSource::known_model,
                 .prompts = prompts_of("table: "),
                 .pooling = {},
                 .min_dimensions = {}}};
  const ModelSpec spec = spec_of(places);
  CHECK(spec.prompts.source == FactSource::manifest);
  CHECK(spec.prompts.value.query.prefix.empty());
}

TEST_CASE("a task takes its place in a prompt, the default one if there is none") {
  const Prompt prompt{.prefix = "Do {task}: {task}", .default_task = "this"};
  CHECK(has_task(prompt));
  CHECK(fill_prompt(prompt, "that") == "Do that: {task}");
  CHECK(fill_prompt(prompt, "") == "Do this: {task}");
  const Prompt plain{.prefix = "query: ", .default_task = {}};
  CHECK_FALSE(has_task(plain));
  CHECK(fill_prompt(plain, "that") == "query: ");
}

TEST_CASE("what can be asked for by name is queries, documents, and what has a name of its own") {
  const Prompts prompts{.query = {.prefix = "For {task}: ", .default_task = "this"},
                        .document = {.prefix = "d: ", .default_task = {}},
                        .named = {{"query", "another"}, {"clustering", "c: {task}"}}};
  const std::vector<NamedPrompt> expected{
      {"query", "For this: "}, {"document", "d: "}, {"clustering", "c: {task}"}};
  CHECK(list_prompts(prompts) == expected);
}

TEST_CASE("poolings and sources have the names that programs see") {
  for (const Pooling pooling :
       {Pooling::none, Pooling::mean, Pooling::cls, Pooling::last, Pooling::rank}) {
    CHECK(find_pooling(name_of(pooling)) == pooling);
  }
  CHECK(name_of(Pooling::cls) == "cls");
  CHECK_FALSE(find_pooling("max").has_value());
  CHECK(name_of(FactSource::unknown) == "unknown");
  CHECK(name_of(FactSource::model_file) == "model_file");
  CHECK(name_of(FactSource::manifest) == "manifest");
  CHECK(name_of(FactSource::known_model) == "known_model");
}
