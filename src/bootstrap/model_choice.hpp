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

/// Chooses the model: a file named by the user, else the variant named by the user, in full or by
/// its last part (`q8_0`), else the one in the executable. Errors: model_missing if the file is not
/// there or the variant is not installed, listing what is;
///         bad_config if a variant's last part is that of several.
Result<ModelChoice> choose_model(const Paths& paths, const Settings& settings);

}  // namespace runed::bootstrap
