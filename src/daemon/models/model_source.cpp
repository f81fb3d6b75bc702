#include "daemon/models/model_source.hpp"

#include "embed/model/builtin_model.hpp"

namespace runed::daemon {
namespace {

// A pooling that no text is embedded with is not worth a word of the manifest's.
embed::ModelFacts facts_of(const bootstrap::PublishedModel& model) {
  embed::ModelFacts facts{.source = embed::FactSource::manifest,
                          .prompts = {},
                          .pooling = embed::find_pooling(model.pooling),
                          .min_dimensions = {}};
  if (model.has_prompts) {
    facts.prompts = {.query = {model.query_prompt, model.default_task},
                     .document = {model.document_prompt, {}}};
  }
  if (model.min_dimensions > 0) facts.min_dimensions = model.min_dimensions;
  return facts;
}

}  // namespace

embed::ModelSource source_of(const bootstrap::ReadyModel& model) {
  if (model.path.empty()) return {.bytes = embed::builtin_model(), .path = {}};
  return {.bytes = {}, .path = model.path};
}

std::string sha256_of(const bootstrap::ReadyModel& model) {
  return model.path.empty() ? std::string(embed::builtin_model_sha256()) : model.sha256;
}

std::vector<embed::PublishedFacts> published_facts(const bootstrap::ReadyModel& model) {
  std::vector<embed::PublishedFacts> facts;
  facts.reserve(model.published.size());
  for (const bootstrap::PublishedModel& each : model.published) {
    facts.push_back({.sha256 = each.sha256,
                     .architecture = each.architecture,
                     .width = each.dimensions,
                     .facts = facts_of(each)});
  }
  return facts;
}

}  // namespace runed::daemon
