#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"
#include "bootstrap/paths.hpp"
#include "bootstrap/settings.hpp"

namespace runed::bootstrap {

/// The variant under which the model in the executable is served.
inline constexpr std::string_view kBuiltinVariant = "builtin:runed-mini";

/// The model that is to be served.
struct ModelChoice {
  std::string variant;  // In full; empty for a file named by its path.
  std::string path;     // Of the GGUF; empty for the model in the executable.
};

/// Chooses the model: the file or the variant that the user named, whichever is named in the
/// stronger place (flag, environment, config.json), the file where both are; else the model in the
/// executable. A variant is named in full or by its last part (`q8_0`).
/// Errors: model_missing if the file is not there or the variant is not installed, listing what is;
///         bad_config if a variant's last part is that of several.
Result<ModelChoice> choose_model(const Paths& paths, const Settings& settings);

}  // namespace runed::bootstrap
