#include "embed/model/hf/config_reader.hpp"

#include <algorithm>
#include <cmath>

#include "base/text.hpp"

namespace runed::embed::hf {

const std::string_view* ConfigReader::find(Names names) const {
  const auto found =
      std::ranges::find_if(names, [&](std::string_view name) { return config_.has(name); });
  return found == names.end() ? nullptr : found;
}

Error ConfigReader::refuse(std::string_view key, std::string_view expected) const {
  const Json& value = *config_.find(key);
  const std::string found =
      value.is_string() ? fmt::format("'{}'", printable(value.get_ref<const std::string&>()))
                        : printable(to_line(value));
  return not_served(
      fmt::format("{} is {}, and only {} is served", config_.place_of(key), found, expected));
}

Result<uint32_t> ConfigReader::get_size(Names names) const {
  const std::string_view* name = find(names);
  return config_.get_size(name == nullptr ? *names.begin() : *name);
}

Result<uint32_t> ConfigReader::get_size_or(Names names, uint32_t fallback) const {
  if (find(names) == nullptr) return fallback;
  return get_size(names);
}

Result<uint32_t> ConfigReader::get_count_or(Names names, uint32_t fallback) const {
  constexpr double kMost = 1 << 24;
  TRY_ASSIGN(const double found, get_number_or(names, fallback));
  if (found >= 0 && found <= kMost && found == std::floor(found)) {
    return static_cast<uint32_t>(found);
  }
  return damaged(fmt::format("{} is {} where a whole number from 0 to {} was expected",
                             config_.place_of(*find(names)), found, kMost));
}

Result<double> ConfigReader::get_number_or(Names names, double fallback) const {
  const std::string_view* name = find(names);
  if (name == nullptr) return fallback;
  TRY_ASSIGN(const auto number, config_.find_number(*name));
  return number.value_or(fallback);
}

Result<std::string> ConfigReader::get_text_or(Names names, std::string_view fallback) const {
  const std::string_view* name = find(names);
  if (name == nullptr) return std::string(fallback);
  return config_.get_text(*name);
}

Status ConfigReader::expect(std::string_view key, std::string_view text) const {
  TRY_ASSIGN(const auto found, config_.find_text(key));
  if (found.value_or(std::string(text)) == text) return {};
  return refuse(key, fmt::format("'{}'", text));
}

Status ConfigReader::expect(std::string_view key, double number) const {
  TRY_ASSIGN(const auto found, config_.find_number(key));
  if (found.value_or(number) == number) return {};
  return refuse(key, fmt::format("{}", number));
}

Status ConfigReader::expect_off(Names flags) const {
  for (const std::string_view key : flags) {
    TRY_ASSIGN(const auto found, config_.find_flag(key));
    if (found.value_or(false)) return refuse(key, "false");
  }
  return {};
}

Status ConfigReader::expect_none(Names keys) const {
  for (const std::string_view key : keys) {
    if (config_.has(key)) return refuse(key, "null");
  }
  return {};
}

Status ConfigReader::expect_plain_weights() const {
  constexpr std::string_view kKey = "quantization_config";
  if (!config_.has(kKey)) return {};
  return not_served(
      fmt::format("{} is there: its weights are not plain numbers", config_.place_of(kKey)),
      "use the directory of the model that it was made of");
}

// transformers 5 has all that there is of it in rope_parameters.
Result<double> ConfigReader::get_rope_base(Names names, std::string_view layers,
                                           double fallback) const {
  TRY(expect_none({"rope_scaling"}));
  TRY_ASSIGN(auto parameters, config_.find_object("rope_parameters"));
  if (!parameters) return get_number_or(names, fallback);
  if (parameters->has(layers)) {
    TRY_ASSIGN(parameters, parameters->find_object(layers));
  }
  TRY_ASSIGN(const auto type, parameters->find_text("rope_type"));
  if (type.value_or("default") != "default") {
    return not_served(fmt::format("{} is '{}', and only 'default' is served",
                                  parameters->place_of("rope_type"), printable(*type)));
  }
  TRY_ASSIGN(const auto share, parameters->find_number("partial_rotary_factor"));
  if (share.value_or(1) != 1) {
    return not_served(fmt::format("{} is {}, and only 1 is served",
                                  parameters->place_of("partial_rotary_factor"), *share));
  }
  TRY_ASSIGN(const auto base, parameters->find_number("rope_theta"));
  return base.value_or(fallback);
}

Result<std::optional<GlobalLayers>> read_layer_types(const ConfigReader& config, uint32_t layers) {
  constexpr std::string_view kKey = "layer_types";
  constexpr std::string_view kGlobal = "full_attention";
  constexpr std::string_view kLocal = "sliding_attention";
  if (!config.config().has(kKey)) return std::optional<GlobalLayers>();
  TRY_ASSIGN(const Json* types, config.config().get_array(kKey));
  const auto is_of = [](const Json& type, std::string_view kind) {
    return type.is_string() && type.get_ref<const std::string&>() == kind;
  };
  std::vector<uint32_t> globals;
  for (uint32_t layer = 0; layer < types->size(); ++layer) {
    if (is_of((*types)[layer], kGlobal)) globals.push_back(layer);
  }
  const size_t locals = static_cast<size_t>(
      std::ranges::count_if(*types, [&](const Json& type) { return is_of(type, kLocal); }));
  const Error refused =
      not_served(fmt::format("{} has layers that come at no fixed distance, or of other kinds",
                             config.config().place_of(kKey)));
  constexpr size_t kMostLayers = 1024;
  if (types->size() != layers || types->size() > kMostLayers || globals.size() + locals != layers) {
    return refused;
  }
  if (globals.empty()) return GlobalLayers{.period = layers + 1, .first = layers};
  const uint32_t first = globals.front();
  const uint32_t period = globals.size() > 1 ? globals[1] - first : std::max(layers, first + 1);
  for (uint32_t layer = 0; layer < layers; ++layer) {
    const bool is_global = std::ranges::find(globals, layer) != globals.end();
    if (is_global != (layer % period == first)) return refused;
  }
  return GlobalLayers{.period = period, .first = first};
}

}  // namespace runed::embed::hf
