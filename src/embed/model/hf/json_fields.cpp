#include "embed/model/hf/json_fields.hpp"

#include <utility>

#include "base/text.hpp"

namespace runed::embed::hf {
namespace {

constexpr uint64_t kMostSize = uint64_t{1} << 24;
constexpr size_t kMostJsonBytes = size_t{256} << 20;  // The largest tokenizer.json has 35 MB.

std::string shown(const Json& json) {
  if (json.is_object()) return "an object";
  if (json.is_array()) return fmt::format("an array of {}", json.size());
  return printable(to_line(json));
}

}  // namespace

Error damaged(std::string message) {
  return Error{ErrorCode::model_corrupt,
               std::move(message),
               "the directory is damaged or incomplete: get it once more",
               {}};
}

Error not_served(std::string message, std::string hint) {
  return Error{ErrorCode::model_unsupported, std::move(message), std::move(hint), {}};
}

Result<Json> parse_file(std::string_view file, std::span<const std::byte> bytes) {
  if (bytes.size() > kMostJsonBytes) {
    return damaged(fmt::format("{}: it has {} bytes, and no JSON file of a model has more than {}",
                               file, bytes.size(), kMostJsonBytes));
  }
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  auto json = parse_json(text, KeyLimit::none);
  if (!json) return damaged(fmt::format("{}: {}", file, json.error().message));
  return json;
}

Result<Fields> Fields::of(std::string file, std::string place, const Json& json) {
  if (!json.is_object()) {
    return damaged(fmt::format("{}: {} is {} where an object was expected", file,
                               place.empty() ? "it" : fmt::format("key '{}'", place), shown(json)));
  }
  return Fields(std::move(file), std::move(place), json);
}

const Json* Fields::find(std::string_view key) const {
  const auto found = json_->find(key);
  return found == json_->end() || found->is_null() ? nullptr : &*found;
}

std::string Fields::inner(std::string_view key) const {
  return place_.empty() ? std::string(key) : fmt::format("{}.{}", place_, key);
}

std::string Fields::place_of(std::string_view key) const {
  return fmt::format("{}: key '{}'", file_, printable(inner(key)));
}

Error Fields::missing(std::string_view key) const {
  return damaged(fmt::format("{} is missing", place_of(key)));
}

Error Fields::unexpected(std::string_view key, std::string_view expected) const {
  return damaged(
      fmt::format("{} is {} where {} was expected", place_of(key), shown(*find(key)), expected));
}

Result<uint32_t> Fields::get_size(std::string_view key) const {
  const Json* found = find(key);
  if (found == nullptr) return missing(key);
  if (!found->is_number_unsigned() || found->get<uint64_t>() == 0 ||
      found->get<uint64_t>() > kMostSize) {
    return unexpected(key, fmt::format("a whole number from 1 to {}", kMostSize));
  }
  return static_cast<uint32_t>(found->get<uint64_t>());
}

Result<std::string> Fields::get_text(std::string_view key) const {
  TRY_ASSIGN(auto found, find_text(key));
  if (!found) return missing(key);
  return *std::move(found);
}

Result<const Json*> Fields::get_array(std::string_view key) const {
  const Json* found = find(key);
  if (found == nullptr) return missing(key);
  if (!found->is_array()) return unexpected(key, "an array");
  return found;
}

Result<Fields> Fields::get_object(std::string_view key) const {
  TRY_ASSIGN(auto found, find_object(key));
  if (!found) return missing(key);
  return *std::move(found);
}

Result<std::optional<double>> Fields::find_number(std::string_view key) const {
  const Json* found = find(key);
  if (found == nullptr) return std::nullopt;
  if (!found->is_number()) return unexpected(key, "a number");
  return found->get<double>();
}

Result<std::optional<bool>> Fields::find_flag(std::string_view key) const {
  const Json* found = find(key);
  if (found == nullptr) return std::nullopt;
  if (!found->is_boolean()) return unexpected(key, "true or false");
  return found->get<bool>();
}

Result<std::optional<std::string>> Fields::find_text(std::string_view key) const {
  const Json* found = find(key);
  if (found == nullptr) return std::nullopt;
  if (!found->is_string()) return unexpected(key, "a text");
  return found->get<std::string>();
}

Result<std::optional<Fields>> Fields::find_object(std::string_view key) const {
  const Json* found = find(key);
  if (found == nullptr) return std::nullopt;
  TRY_ASSIGN(Fields object, of(file_, inner(key), *found));
  return object;
}

}  // namespace runed::embed::hf
