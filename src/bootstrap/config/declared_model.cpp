#include "bootstrap/config/declared_model.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <map>
#include <utility>

#include "base/duration.hpp"
#include "base/json.hpp"
#include "base/text.hpp"
#include "bootstrap/config/json_document.hpp"

namespace runed::bootstrap {
namespace {

constexpr std::string_view kAlways = "always";
constexpr size_t kMostNameBytes = 128;
constexpr const char* kEntryHint =
    R"(write {"variant": "NAME"} for one of the manifest or of models/, or {"path": "FILE"})";
constexpr const char* kNameHint =
    "a name has no '/' and no control characters, at most 128 bytes, does not end in '.gguf' and "
    "does "
    "not begin with 'builtin:' or 'sha256:'";

bool is_control(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte < 0x20 || byte == 0x7f;
}

/// One entry that is being read; what is wrong with it is added to `faults`.
class Entry {
 public:
  Entry(const std::string& document, const std::string& name, const Json& json,
        std::vector<Error>& faults)
      : document_(document), name_(name), json_(json), faults_(faults) {}

  // None where something is wrong: half of an entry would be another model.
  std::optional<DeclaredModel> read() {
    const size_t faults_before = faults_.size();
    DeclaredModel model{.name = name_};
    find_unknown_keys();
    model.variant = text("variant");
    model.path = text("path");
    if (model.variant.has_value() && is_model_path(*model.variant)) {
      add_fault(".variant", fmt::format("'{}' is a path", printable(*model.variant)),
                "name it with 'path'");
    }
    const bool has_variant = json_.contains("variant");
    if (has_variant == json_.contains("path")) {
      add_fault("",
                fmt::format("expected either variant or path, found {}",
                            has_variant ? "both" : "neither"),
                kEntryHint);
    }
    read_keep_alive(model);
    if (faults_.size() > faults_before) return std::nullopt;
    return model;
  }

 private:
  void add_fault(std::string_view key, std::string_view why, std::string hint) {
    faults_.push_back(
        bad_document(document_, fmt::format("models.{}{}: {}", printable(name_), key, why))
            .with_hint(std::move(hint)));
  }

  void find_unknown_keys() {
    static const std::vector<std::string> known{"variant", "path", "keep_alive"};
    for (const auto& [key, value] : json_.items()) {
      if (is_remark(key) || std::ranges::find(known, key) != known.end()) continue;
      const auto nearest = find_nearest(key, known);
      add_fault("", fmt::format("unknown key '{}'", printable(key)),
                nearest.has_value() ? fmt::format("did you mean '{}'?", *nearest)
                                    : fmt::format("the keys are {}", fmt::join(known, ", ")));
    }
  }

  std::optional<std::string> text(const char* key) {
    const auto found = json_.find(key);
    if (found == json_.end()) return std::nullopt;
    if (found->is_string() && !found->get<std::string>().empty()) return found->get<std::string>();
    add_fault(fmt::format(".{}", key),
              fmt::format("expected a string, found {}",
                          found->is_string() ? "one that is empty" : describe_type(*found)),
              kEntryHint);
    return std::nullopt;
  }

  void read_keep_alive(DeclaredModel& model) {
    const auto found = json_.find("keep_alive");
    if (found == json_.end()) return;
    if (!found->is_string() && !found->is_number()) {
      add_fault(".keep_alive",
                fmt::format("expected a string or a number, found {}", describe_type(*found)),
                R"(write a duration, such as "30m", or "0" or "always")");
      return;
    }
    auto keep_alive =
        parse_keep_alive(found->is_string() ? found->get<std::string>() : to_line(*found));
    if (keep_alive) {
      model.keep_alive = *keep_alive;
    } else {
      add_fault(".keep_alive", keep_alive.error().message, keep_alive.error().hint);
    }
  }

  const std::string& document_;
  const std::string& name_;
  const Json& json_;
  std::vector<Error>& faults_;
};

}  // namespace

Result<KeepAlive> parse_keep_alive(std::string_view text) {
  if (text == kAlways) return KeepAlive{.is_always = true};
  const auto duration = parse_duration(text);
  if (duration && *duration >= std::chrono::nanoseconds{0}) return KeepAlive{.duration = *duration};
  return make_error(ErrorCode::invalid_argument, "invalid time to keep a model '{}'",
                    printable(text))
      .with_hint(
          "write a duration, such as 30m or 1h30m, 0 to give its memory back as soon as nobody "
          "waits, or always");
}

std::string to_text(const KeepAlive& keep_alive) {
  if (keep_alive.is_always) return std::string(kAlways);
  if (keep_alive.duration == std::chrono::nanoseconds{0}) return "0";
  return format_duration(keep_alive.duration);
}

bool is_model_path(std::string_view text) {
  return text.find('/') != std::string_view::npos || text.ends_with(".gguf");
}

std::optional<std::string> find_name_fault(std::string_view name) {
  if (name.empty()) return "it is empty";
  if (name.size() > kMostNameBytes) {
    return fmt::format("it has {} bytes, more than {}", name.size(), kMostNameBytes);
  }
  if (is_model_path(name)) return "it would be taken for a path";
  if (name.starts_with("builtin:")) return "it would be taken for a model in the executable";
  if (name.starts_with("sha256:")) return "it would be taken for the identity of a model";
  if (std::ranges::any_of(name, is_control)) return "it has a control character";
  return std::nullopt;
}

DeclaredModels parse_declared_models(const std::string& document, const Json& value) {
  DeclaredModels declared;
  if (!value.is_object()) {
    declared.faults.push_back(
        bad_document(document,
                     fmt::format("models: expected an object, found {}", describe_type(value)))
            .with_hint(R"(write {"NAME": {"variant": "q8_0"}}, with an entry for each model)"));
    return declared;
  }
  for (const auto& [name, entry] : value.items()) {
    if (is_remark(name)) continue;
    if (const auto fault = find_name_fault(name); fault.has_value()) {
      declared.faults.push_back(
          bad_document(document, fmt::format("models: '{}' cannot be the name of a model: {}",
                                             printable(name), *fault))
              .with_hint(kNameHint));
    } else if (!entry.is_object()) {
      declared.faults.push_back(
          bad_document(document, fmt::format("models.{}: expected an object, found {}",
                                             printable(name), describe_type(entry)))
              .with_hint(kEntryHint));
    } else if (auto model = Entry(document, name, entry, declared.faults).read();
               model.has_value()) {
      declared.models.push_back(*std::move(model));
    }
  }
  std::ranges::sort(declared.models, {}, &DeclaredModel::name);
  return declared;
}

std::vector<Error> find_models_declared_twice(const std::string& document,
                                              const std::vector<DeclaredModel>& models) {
  std::vector<Error> faults;
  std::map<std::pair<std::string, std::string>, std::string> names;
  for (const DeclaredModel& model : models) {
    const auto [first, is_first] =
        names.try_emplace({model.variant.value_or(""), model.path.value_or("")}, model.name);
    if (is_first) continue;
    faults.push_back(
        bad_document(document, fmt::format("models.{}: it is the model that models.{} names too",
                                           printable(model.name), printable(first->second)))
            .with_hint("leave one of them out: each would be held in memory by itself"));
  }
  return faults;
}

Json to_json(const std::vector<DeclaredModel>& models) {
  if (models.empty()) return nullptr;
  Json json = Json::object();
  for (const DeclaredModel& model : models) {
    Json& entry = json[model.name];
    if (model.variant.has_value()) entry["variant"] = *model.variant;
    if (model.path.has_value()) entry["path"] = *model.path;
    if (model.keep_alive.has_value()) entry["keep_alive"] = to_text(*model.keep_alive);
  }
  return json;
}

bool is_remark(std::string_view key) {
  return key.starts_with('_') || key.starts_with('$');
}

}  // namespace runed::bootstrap
