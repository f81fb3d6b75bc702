#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/clock.hpp"
#include "base/log.hpp"
#include "bootstrap/config/environment.hpp"
#include "bootstrap/config/paths.hpp"
#include "bootstrap/config/settings.hpp"
#include "bootstrap/fetch/download.hpp"
#include "bootstrap/use/model_choice.hpp"
#include "daemon/api/state.hpp"
#include "daemon/models/engine_choice.hpp"
#include "embed/engine.hpp"

namespace runed::daemon {

class ComputePool;

struct ModelLoaderOptions {
  bootstrap::Paths paths;
  bootstrap::Settings settings;
  bootstrap::ModelChoice model;
  bootstrap::Environment environment;
  bootstrap::DownloadPolicy policy;
  GpuProbe gpu_probe = system_gpu_probe();
  std::string sha256{};                 // What the model's file must hash to; empty: anything.
  bool has_own_places = false;          // False: the daemon's, which are for one model.
  ComputePool* compute_pool = nullptr;  // As of EngineOptions.
};

/// Gets the engine ready, telling `state` how far it is. See EngineSource.
using ModelLoader = std::function<Result<std::unique_ptr<embed::Engine>>(
    State& state, const std::function<bool()>& is_stopping)>;

/// Returns what makes the engine of the chosen model once the socket is open: checks the model, or
/// fetches it, chooses the engine, and fetches a llama-server if it is to be that and none is there,
/// telling State the phase and the bytes, and why this engine.
/// Owns: nothing; `clock` and `log` outlive the result.
ModelLoader make_model_loader(ModelLoaderOptions options, const Clock& clock, Log& log);

}  // namespace runed::daemon
