#pragma once

#include "base/clock.hpp"
#include "base/log.hpp"
#include "bootstrap/download.hpp"
#include "bootstrap/model_choice.hpp"
#include "bootstrap/paths.hpp"
#include "bootstrap/settings.hpp"
#include "daemon/daemon.hpp"

namespace runed::daemon {

/// Returns what makes the engine of the chosen model once the socket is open: checks the model, or
/// fetches it, telling State the phase and the bytes.
/// Owns: nothing; `clock` and `log` outlive the result.
EngineMaker make_engine_maker(bootstrap::Paths paths, bootstrap::Settings settings,
                              bootstrap::ModelChoice choice, bootstrap::DownloadPolicy policy,
                              const Clock& clock, Log& log);

}  // namespace runed::daemon
