#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "bootstrap/config/declared_model.hpp"

namespace runed::bootstrap {

/// What config.json says: the settings in it that are known and not empty, and what is wrong with
/// the rest of it.
struct ConfigFile {
  std::string path;
  std::map<std::string, std::string> values;  // A number as it is written.
  std::vector<DeclaredModel> models{};
  bool has_models = false;      // Whether `models` is there, and be it empty.
  std::vector<Error> faults{};  // bad_config each.

  std::optional<std::string> find(const std::string& key) const;
};

enum class Presence { optional, required };

/// Reads config.json, as far as it can be read. An absent version is taken for 1. A fault names the
/// file, the key, what was expected and what was found, a key that is unknown with the nearest one,
/// or why the file cannot be read at all, as one that is required and missing. A key that begins with
/// `_` or `$` is passed over.
ConfigFile read_config_file(const std::string& path, Presence presence);

/// The same from the text of a file.
ConfigFile parse_config(const std::string& path, std::string_view text);

}  // namespace runed::bootstrap
