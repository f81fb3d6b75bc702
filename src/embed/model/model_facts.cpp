#include "embed/model/model_facts.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace runed::embed {
namespace {

constexpr std::string_view kTask = "{task}";

constexpr std::array<std::pair<Pooling, std::string_view>, 5> kPoolings{{
    {Pooling::none, "none"},
    {Pooling::mean, "mean"},
    {Pooling::cls, "cls"},
    {Pooling::last, "last"},
    {Pooling::rank, "rank"},
}};

}  // namespace

std::string_view name_of(Pooling pooling) {
  return std::ranges::find(kPoolings, pooling, [](const auto& each) { return each.first; })->second;
}

std::optional<Pooling> find_pooling(std::string_view name) {
  for (const auto& [pooling, its_name] : kPoolings) {
    if (name == its_name) return pooling;
  }
  return std::nullopt;
}

std::string_view name_of(FactSource source) {
  switch (source) {
    case FactSource::model_file:
      return "model_file";
    case FactSource::manifest:
      return "manifest";
    case FactSource::known_model:
      return "known_model";
    case FactSource::unknown:
      break;
  }
  return "unknown";
}

const NamedPrompt* find_named(const Prompts& prompts, std::string_view name) {
  const auto found = std::ranges::find(prompts.named, name, &NamedPrompt::name);
  return found == prompts.named.end() ? nullptr : &*found;
}

std::vector<NamedPrompt> list_prompts(const Prompts& prompts) {
  std::vector<NamedPrompt> all{{.name = "query", .text = fill_prompt(prompts.query, {})},
                               {.name = "document", .text = fill_prompt(prompts.document, {})}};
  for (const NamedPrompt& prompt : prompts.named) {
    if (std::ranges::find(all, prompt.name, &NamedPrompt::name) == all.end()) all.push_back(prompt);
  }
  return all;
}

bool has_task(const Prompt& prompt) {
  return prompt.prefix.find(kTask) != std::string::npos;
}

std::string fill_prompt(const Prompt& prompt, std::string_view task) {
  const size_t at = prompt.prefix.find(kTask);
  if (at == std::string::npos) return prompt.prefix;
  std::string filled = prompt.prefix;
  return filled.replace(at, kTask.size(), task.empty() ? prompt.default_task : task);
}

}  // namespace runed::embed
