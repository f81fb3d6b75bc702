#pragma once

#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "bootstrap/config/paths.hpp"
#include "bootstrap/config/settings.hpp"
#include "daemon/models/model_declaration.hpp"

namespace runed::daemon {

/// What a daemon can serve: the model in the executable, the variants that are installed, and what
/// config.json gives a name. Any thread.
class ModelCatalogue {
 public:
  ModelCatalogue(bootstrap::Paths paths, bootstrap::Settings settings)
      : paths_(std::move(paths)), settings_(std::move(settings)) {}

  /// Returns the declaration of the model that was chosen for whoever names none.
  ModelDeclaration default_model(const bootstrap::ModelChoice& choice) const;

  /// Lists all that can be served. A model with several names comes once.
  /// Errors: model_missing if models/ cannot be looked into; bad_config.
  Result<std::vector<ModelDeclaration>> list() const;

  /// Looks at a file that a caller names, and gives it its identity for a name; a file that is listed is
  /// found there. Takes as long as it takes to read one that is not known yet, unless `is_ending` turns true.
  /// Errors: those of check_model.
  Result<ModelDeclaration> look_at_file(const std::string& path,
                                        const std::function<bool()>& is_ending) const;

  /// Puts what is read anew in the place of the settings.
  void set_settings(bootstrap::Settings settings);
  bootstrap::Settings settings() const;

 private:
  const bootstrap::Paths paths_;
  mutable std::mutex mutex_;  // Guards settings_.
  bootstrap::Settings settings_;
};

}  // namespace runed::daemon
