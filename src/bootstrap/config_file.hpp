#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace runed::bootstrap {

/// What config.json says: the settings in it that are known and not empty.
struct ConfigFile {
  std::string path;
  std::map<std::string, std::string> values;

  std::optional<std::string> find(const std::string& key) const;
};

enum class Presence { optional, required };

/// Reads config.json. An absent version is taken for 1.
/// Errors: bad_config naming the file, the key, what was expected and what was found, a key that is
///         unknown with the nearest one, or that the file is required and missing; io.
Result<ConfigFile> read_config_file(const std::string& path, Presence presence);

/// The same from the text of a file.
Result<ConfigFile> parse_config(const std::string& path, std::string_view text);

}  // namespace runed::bootstrap
