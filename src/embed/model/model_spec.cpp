#include "embed/model/model_spec.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace runed::embed {
namespace {

template <typename T>
void take(const std::optional<T>& said, FactSource by, Fact<T>& fact) {
  if (said.has_value() && !fact.is_known()) fact = {*said, by};
}

}  // namespace

uint32_t ModelSpec::longest_text() const {
  return max_tokens.is_known() ? std::min(context, max_tokens.value) : context;
}

std::string ModelSpec::key(std::string_view part) const {
  return fmt::format("{}.{}", architecture, part);
}

void take_facts(std::span<const ModelFacts> places, ModelSpec& spec) {
  for (const ModelFacts& place : places) {
    take(place.prompts, place.source, spec.prompts);
    take(place.pooling, place.source, spec.pooling);
    take(place.min_dimensions, place.source, spec.min_dimensions);
    take(place.max_tokens, place.source, spec.max_tokens);
  }
}

}  // namespace runed::embed
