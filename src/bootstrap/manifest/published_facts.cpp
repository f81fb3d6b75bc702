#include "bootstrap/manifest/published_facts.hpp"

namespace runed::bootstrap {
namespace {

// A pooling that no text is embedded with is not worth a word of the manifest's.
embed::ModelFacts facts_of(const PublishedModel& model) {
  embed::ModelFacts facts{.source = embed::FactSource::manifest,
                          .prompts = {},
                          .pooling = embed::find_pooling(model.pooling),
                          .min_dimensions = {}};
  if (model.has_prompts) {
    facts.prompts = {.query = {model.query_prompt, model.default_task},
                     .document = {model.document_prompt, {}}};
    for (const auto& [name, text] : model.named_prompts) {
      facts.prompts->named.push_back({.name = name, .text = text});
    }
  }
  if (model.min_dimensions > 0) facts.min_dimensions = model.min_dimensions;
  if (model.max_tokens > 0) facts.max_tokens = model.max_tokens;
  return facts;
}

}  // namespace

std::vector<embed::PublishedFacts> to_facts(const std::vector<PublishedModel>& models) {
  std::vector<embed::PublishedFacts> facts;
  facts.reserve(models.size());
  for (const PublishedModel& each : models) {
    facts.push_back({.sha256 = each.sha256,
                     .architecture = each.architecture,
                     .width = each.dimensions,
                     .facts = facts_of(each)});
  }
  return facts;
}

}  // namespace runed::bootstrap
