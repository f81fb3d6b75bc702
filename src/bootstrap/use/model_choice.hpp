#pragma once

#include <string>
#include <vector>

#include "base/result.hpp"
#include "bootstrap/config/paths.hpp"
#include "bootstrap/config/settings.hpp"
#include "bootstrap/install/model_files.hpp"
#include "bootstrap/manifest/variant.hpp"

namespace runed::bootstrap {

/// The model that is to be served.
struct ModelChoice {
  enum class Kind {
    builtin,  // The one in the executable.
    file,     // A GGUF that was named by its path.
    variant,  // One of the manifest's, or one of one's own that was installed.
  };

  Kind kind = Kind::builtin;
  std::string variant;  // In full once it is installed; before, as it was asked for, and empty for
                        // the manifest's default. Empty for a file.
  std::string
      path;  // Of the GGUF or the directory; empty for the built-in model and for what is not installed.
  Origin origin = Origin::default_value;  // Where it was named; default: nowhere.

  bool is_installed() const { return kind != Kind::variant || !path.empty(); }
};

/// Chooses the model, without the network: the file, the variant or the name in config.json that the user
/// named, whichever is named in the stronger place (flag, environment, config.json), the file where both
/// are. If nothing was named and a manifest was configured: the default of installed.json, if it came from
/// there, else
/// the manifest's default; either may still have to be fetched. If nothing was named at all: the
/// default of installed.json, else the manifest's default if it is in models/, else the only one that
/// is, else the built-in model. A variant is named in full or by its last part (`q8_0`).
/// Errors: model_missing if the file is not there, or that of a variant which counts where none is
///         named, or models/ cannot be looked into; bad_config if the name could be any of several
///         variants, or several were put in models/ by hand, or installed.json is damaged.
Result<ModelChoice> choose_model(const Paths& paths, const Settings& settings);

/// Refuses a variant that is not installed.
/// Errors: model_missing listing what is installed.
Status check_installed(const ModelChoice& choice, const Paths& paths, const Settings& settings);

}  // namespace runed::bootstrap
