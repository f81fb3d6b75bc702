#include "embed/model/hf/tokenizer_components.hpp"

#include "base/text.hpp"
#include "embed/model/hf/directory_files.hpp"

namespace runed::embed::hf {
namespace {

Status flatten(const Fields& component, std::string_view parts, std::vector<Fields>& flat) {
  TRY_ASSIGN(const std::string type, type_of(component));
  if (type != "Sequence") {
    flat.push_back(component);
    return {};
  }
  TRY_ASSIGN(const Json* each_of, component.get_array(parts));
  for (const Json& each : *each_of) {
    TRY_ASSIGN(const Fields part, Fields::of(component.file(), component.place_of(parts), each));
    TRY(flatten(part, parts, flat));
  }
  return {};
}

}  // namespace

Error refuse_component(std::string_view kind, std::string_view name) {
  return not_served(fmt::format("{}: the {} '{}' is not served", kTokenizer, kind, printable(name)),
                    "use a GGUF file of the model, if there is one");
}

Result<std::string> type_of(const Fields& component) {
  return component.get_text("type");
}

Result<std::vector<Fields>> components_of(const Fields& tokenizer, std::string_view key,
                                          std::string_view parts) {
  std::vector<Fields> flat;
  TRY_ASSIGN(const auto component, tokenizer.find_object(key));
  if (component) TRY(flatten(*component, parts, flat));
  return flat;
}

}  // namespace runed::embed::hf
