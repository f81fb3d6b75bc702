#pragma once

#include "base/clock.hpp"
#include "base/log.hpp"
#include "bootstrap/config/environment.hpp"
#include "bootstrap/config/paths.hpp"
#include "bootstrap/config/settings.hpp"
#include "bootstrap/fetch/download.hpp"
#include "bootstrap/use/model_choice.hpp"
#include "daemon/life/daemon.hpp"
#include "daemon/models/engine_choice.hpp"

namespace runed::daemon {

struct ModelLoaderOptions {
  bootstrap::Paths paths;
  bootstrap::Settings settings;
  bootstrap::ModelChoice model;
  bootstrap::Environment environment;
  bootstrap::DownloadPolicy policy;
  GpuProbe gpu_probe = system_gpu_probe();
};

/// Returns what makes the engine of the chosen model once the socket is open: checks the model, or
/// fetches it, chooses the engine, and fetches a llama-server if it is to be that and none is there,
/// telling State the phase and the bytes, and why this engine.
/// Owns: nothing; `clock` and `log` outlive the result.
ModelLoader make_model_loader(ModelLoaderOptions options, const Clock& clock, Log& log);

}  // namespace runed::daemon
