#include "daemon/models/model_source.hpp"

#include "bootstrap/manifest/published_facts.hpp"
#include "embed/model/builtin_model.hpp"

namespace runed::daemon {

embed::ModelSource source_of(const bootstrap::ReadyModel& model) {
  if (model.path.empty()) return {.bytes = embed::builtin_model(), .path = {}};
  return {.bytes = {}, .path = model.path};
}

std::string sha256_of(const bootstrap::ReadyModel& model) {
  return model.path.empty() ? std::string(embed::builtin_model_sha256()) : model.sha256;
}

std::vector<embed::PublishedFacts> published_facts(const bootstrap::ReadyModel& model) {
  return bootstrap::to_facts(model.published);
}

}  // namespace runed::daemon
