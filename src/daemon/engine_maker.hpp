#pragma once

#include "base/clock.hpp"
#include "base/log.hpp"
#include "bootstrap/download.hpp"
#include "bootstrap/environment.hpp"
#include "bootstrap/model_choice.hpp"
#include "bootstrap/paths.hpp"
#include "bootstrap/settings.hpp"
#include "daemon/daemon.hpp"
#include "daemon/engine_choice.hpp"

namespace runed::daemon {

struct EngineMakerOptions {
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
EngineMaker make_engine_maker(EngineMakerOptions options, const Clock& clock, Log& log);

}  // namespace runed::daemon
