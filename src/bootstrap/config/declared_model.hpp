#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/json_fwd.hpp"
#include "base/result.hpp"

namespace runed::bootstrap {

/// How long a model stays loaded that nobody asks for.
struct KeepAlive {
  bool is_always = false;  // It is loaded at the start and never evicted; `duration` says nothing.
  std::chrono::nanoseconds duration{0};  // From the last use; 0: until nobody waits for it.

  bool operator==(const KeepAlive&) const = default;
};

/// Parses `always`, `0`, or a duration in Go's syntax that is not below 0.
/// Errors: invalid_argument.
Result<KeepAlive> parse_keep_alive(std::string_view text);

/// Formats it as parse_keep_alive takes it: `always`, `0`, `1h30m`.
std::string to_text(const KeepAlive& keep_alive);

/// A model that `models` of config.json gives a name. It has a variant or a path, never both.
struct DeclaredModel {
  std::string name;
  std::optional<std::string> variant{};  // As `model_variant` takes it.
  std::optional<std::string>
      path{};  // A GGUF file or a directory; absolute in Settings, in ConfigFile as written.
  std::optional<KeepAlive> keep_alive{};  // None: as `idle_timeout` has it.

  bool operator==(const DeclaredModel&) const = default;
};

/// Tells whether what names a model is the path of its file: it has a `/` or ends in `.gguf`. Anything
/// else is a name, and never a path.
bool is_model_path(std::string_view text);

/// Tells why a text cannot be the name of a model: `it is empty`. None: it can. A name is not taken for a
/// path, an identity or a model in the executable, wherever one of them may stand too.
std::optional<std::string> find_name_fault(std::string_view name);

/// What `models` says, sorted by name, and what is wrong with the rest of it.
struct DeclaredModels {
  std::vector<DeclaredModel> models;
  std::vector<Error> faults;  // bad_config each, with the file and the key: `models.notes.path`.
};

/// Reads the value of `models` in the document of that name. A key that begins with `_` or `$` is passed
/// over.
DeclaredModels parse_declared_models(const std::string& document, const Json& value);

/// Finds models that are declared under two names, which would be held twice: a fault each.
/// Needs:  paths that are absolute.
std::vector<Error> find_models_declared_twice(const std::string& document,
                                              const std::vector<DeclaredModel>& models);

/// The models as they are written in config.json; null if there are none.
Json to_json(const std::vector<DeclaredModel>& models);

/// Tells whether a key of config.json is a remark of somebody's: it begins with `_` or `$`.
bool is_remark(std::string_view key);

}  // namespace runed::bootstrap
