#include "cmd/serve/served_models.hpp"

#include <algorithm>
#include <limits>
#include <string_view>
#include <utility>

#include "daemon/models/model_loader.hpp"
#include "os/machine/cgroup.hpp"
#include "os/machine/memory.hpp"

namespace runed::cmd {
namespace {

// Half of what is free, of the machine or of the cgroup.
uint64_t default_memory_bytes() {
  const uint64_t free_bytes = os::available_bytes();
  const double limit = os::find_cgroup_memory("/").value_or(std::numeric_limits<double>::max());
  return static_cast<uint64_t>(std::min(static_cast<double>(free_bytes), limit)) / 2;
}

// The settings that take effect in a daemon that runs.
bool is_reloaded(std::string_view key) {
  return key == "models" || key == "memory_budget" || key == "idle_timeout";
}

}  // namespace

std::vector<daemon::ServiceInfo::ConfigValue> config_values(const bootstrap::Settings& settings) {
  std::vector<daemon::ServiceInfo::ConfigValue> values;
  for (auto& [key, value, origin] : bootstrap::to_texts(settings)) {
    values.push_back({std::move(key), std::move(value), std::string(name_of(origin))});
  }
  return values;
}

ServedModels::ServedModels(bootstrap::Paths paths, bootstrap::Settings settings,
                           const bootstrap::ModelChoice& choice, bootstrap::Environment environment,
                           ReadSettings read_settings, const Clock& clock, Log& log)
    : paths_(std::move(paths)),
      settings_(std::move(settings)),
      environment_(std::move(environment)),
      read_settings_(std::move(read_settings)),
      clock_(clock),
      log_(log),
      default_memory_bytes_(default_memory_bytes()),
      catalogue_(paths_, settings_),
      default_model_(catalogue_.default_model(choice)) {}

daemon::ModelPool::Options ServedModels::pool_options() {
  return {.default_model = default_model_,
          .make_source = [this](const auto& model,
                                daemon::State& state) { return make_source(model, state); },
          .catalogue = [this] { return catalogue_.list(); },
          .centroids_path = paths_.centroids,
          .memory_bytes = memory_bytes(settings_),
          .scheduler = {.idle_timeout = settings_.idle_timeout.value,
                        .cache_bytes = size_t{settings_.cache_mb.value} << 20}};
}

daemon::EngineSource ServedModels::make_source(const daemon::ModelDeclaration& model,
                                               daemon::State& state) {
  auto load = daemon::make_model_loader({.paths = paths_,
                                         .settings = settings_,
                                         .model = model.choice,
                                         .environment = environment_,
                                         .policy = {},
                                         .sha256 = model.sha256,
                                         .has_own_places = model.key != default_model_.key,
                                         .compute_pool = &compute_pool_},
                                        clock_, log_);
  return [load = std::move(load), &state](const auto& is_stopping) {
    return load(state, is_stopping);
  };
}

uint64_t ServedModels::memory_bytes(const bootstrap::Settings& settings) const {
  return settings.memory_budget.value.value_or(default_memory_bytes_);
}

// Brings the pool to settings that were read anew, or leaves it as it is.
Status ServedModels::apply(const bootstrap::Settings& settings, daemon::ModelPool& pool) {
  const bootstrap::Settings before = catalogue_.settings();
  catalogue_.set_settings(settings);
  if (Status listed = pool.refresh(); !listed) {
    catalogue_.set_settings(before);
    return listed;
  }
  pool.memory().resize(memory_bytes(settings));
  pool.set_idle_timeout(settings.idle_timeout.value);
  return {};
}

Result<daemon::Reloaded> ServedModels::reload(daemon::ModelPool& pool) {
  const std::lock_guard reloading(reload_mutex_);
  TRY_ASSIGN(auto wanted, read_settings_());
  bootstrap::Settings settings = catalogue_.settings();
  // What was chosen where none is named is not named now either.
  if (!wanted.model_variant.value.has_value() &&
      settings.model_variant.origin >= bootstrap::Origin::manifest) {
    wanted.model_variant = settings.model_variant;
  }
  daemon::Reloaded reloaded;
  const auto before = bootstrap::to_texts(settings);
  const auto now = bootstrap::to_texts(wanted);
  for (size_t i = 0; i < now.size(); ++i) {
    if (now[i].value == before[i].value) continue;
    auto& list = is_reloaded(now[i].key) ? reloaded.changed : reloaded.needs_start;
    list.push_back(
        fmt::format("{} is '{}' instead of '{}'", now[i].key, now[i].value, before[i].value));
  }
  settings.models = wanted.models;
  settings.memory_budget = wanted.memory_budget;
  settings.idle_timeout = wanted.idle_timeout;
  TRY(apply(settings, pool));
  reloaded.config = config_values(settings);
  return reloaded;
}

}  // namespace runed::cmd
