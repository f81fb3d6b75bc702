#include "embed/model/hf/hf_architecture.hpp"

#include <algorithm>
#include <array>
#include <string>

#include "base/text.hpp"
#include "embed/model/hf/rank_head.hpp"

namespace runed::embed::hf {
namespace {

// The rows of the table. Each is a file of this folder.
const std::array kArchitectures{&kBert,  &kRoberta,  &kXlmRoberta, &kCamembert,  &kDistilBert,
                                &kMpnet, &kNomic,    &kJinaV3,     &kModernBert, &kGte,
                                &kGemma, &kEuroBert, &kQwen2,      &kQwen3};

std::string served_types() {
  std::string names;
  for (const HfArchitecture* each : kArchitectures) {
    names += fmt::format("{}'{}'", names.empty() ? "" : ", ", each->model_type);
  }
  return names;
}

}  // namespace

Result<const HfArchitecture*> get_hf_architecture(const Fields& config) {
  TRY_ASSIGN(const std::string type, config.get_text("model_type"));
  const auto found = std::ranges::find(kArchitectures, type, &HfArchitecture::model_type);
  if (found == kArchitectures.end()) {
    return not_served(fmt::format("{} is '{}', which is not served from a directory",
                                  config.place_of("model_type"), printable(type)),
                      fmt::format("served are: {}; of others use a GGUF file", served_types()));
  }
  const HfArchitecture* architecture = *found;
  if (!config.has("architectures") || find_rank_head(config) != nullptr) return architecture;
  TRY_ASSIGN(const Json* classes, config.get_array("architectures"));
  for (const Json& each : *classes) {
    const auto name = each.is_string() ? each.get<std::string>() : to_line(each);
    if (std::ranges::find(architecture->classes, name) != architecture->classes.end()) continue;
    return not_served(fmt::format("{} has '{}', which gives neither vectors nor scores",
                                  config.place_of("architectures"), printable(name)),
                      "name the directory of an embedding model or of a reranker");
  }
  return architecture;
}

}  // namespace runed::embed::hf
