#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/log.hpp"
#include "base/result.hpp"
#include "bootstrap/config/environment.hpp"
#include "bootstrap/config/paths.hpp"
#include "bootstrap/config/settings.hpp"
#include "bootstrap/use/model_choice.hpp"
#include "daemon/api/api.hpp"
#include "daemon/models/engine_factory.hpp"
#include "daemon/models/model_catalogue.hpp"
#include "daemon/models/model_pool.hpp"

namespace runed::cmd {

/// Returns the settings as Info tells them.
std::vector<daemon::ServiceInfo::ConfigValue> config_values(const bootstrap::Settings& settings);

/// What the settings of a daemon say of the models that it serves, now and when they are read again.
/// Outlives the daemon. Any thread.
class ServedModels {
 public:
  /// Reads the settings as they are now.
  using ReadSettings = std::function<Result<bootstrap::Settings>()>;

  /// `choice` is the model for whoever names none.
  ServedModels(bootstrap::Paths paths, bootstrap::Settings settings,
               const bootstrap::ModelChoice& choice, bootstrap::Environment environment,
               ReadSettings read_settings, const Clock& clock, Log& log);

  /// Borrows this.
  daemon::ModelPool::Options pool_options();

  /// As ServiceHooks has it.
  Result<daemon::ModelDeclaration> look_at_file(const std::string& path,
                                                const std::function<bool()>& is_ending) const {
    return catalogue_.look_at_file(path, is_ending);
  }

  /// Reads the settings again, and brings the pool to those that can be changed in a daemon that runs;
  /// tells which they are, and which need another daemon.
  /// Errors: those of the settings and of the catalogue; then nothing has changed.
  Result<daemon::Reloaded> reload(daemon::ModelPool& pool);

 private:
  daemon::EngineSource make_source(const daemon::ModelDeclaration& model, daemon::State& state);
  uint64_t memory_bytes(const bootstrap::Settings& settings) const;
  Status apply(const bootstrap::Settings& settings, daemon::ModelPool& pool);

  const bootstrap::Paths paths_;
  const bootstrap::Settings settings_;  // Of the start: engines are made by them.
  const bootstrap::Environment environment_;
  const ReadSettings read_settings_;
  const Clock& clock_;
  Log& log_;
  const uint64_t default_memory_bytes_;
  std::mutex reload_mutex_;  // One reload at a time.
  daemon::ModelCatalogue catalogue_;
  const daemon::ModelDeclaration default_model_;
  daemon::ComputePool compute_pool_;
};

}  // namespace runed::cmd
