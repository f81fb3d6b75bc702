#pragma once

#include <functional>
#include <string>

#include "base/result.hpp"
#include "bootstrap/config/environment.hpp"
#include "bootstrap/config/paths.hpp"
#include "bootstrap/config/settings.hpp"
#include "bootstrap/fetch/watch.hpp"
#include "bootstrap/use/ready_model.hpp"
#include "daemon/models/model_source.hpp"

namespace runed::daemon {

/// The engine that computes, and why this one.
struct EngineChoice {
  bootstrap::EngineKind engine = bootstrap::EngineKind::native;  // Never auto_select.
  std::string executable{};                              // Of llama-server; empty for native.
  std::string reason{};                                  // For people: `it can serve this model`.
};

/// How a GPU is found; a seam, because what a machine has is not a test's to say.
struct GpuProbe {
  std::function<bool()> has_device;  // Whether one may be there, without asking it.
  // Which one this llama-server can use, in words; nothing if none.
  std::function<Result<std::string>(const std::string& executable)> find_usable;
};

/// Looks into /dev, and asks the llama-server.
GpuProbe system_gpu_probe();

/// What an engine is chosen for, and how.
struct EngineQuery {
  const bootstrap::Paths& paths;
  const bootstrap::Settings& settings;
  const bootstrap::ReadyModel& model;
  const bootstrap::Environment& environment;
  // What to do once it is to be llama-server: look for one, or fetch one.
  std::function<Result<std::string>()> get_llama_server;
  bootstrap::Watch watch{};
};

/// Chooses the engine. `auto` is llama-server if one is named, or if one is there that can use a
/// GPU; else native if it can serve the model; else llama-server. A directory is for the native engine
/// alone. A choice that somebody made is
/// kept or is an error, never replaced: engines differ in the low bits.
/// Errors: cancelled; model_unsupported if the engine that was asked for, or none, can serve the
///         model, or no engine would compute it right; those of get_llama_server and the model file.
Result<EngineChoice> choose_engine(const EngineQuery& query, const GpuProbe& probe);

/// Tells whether another engine may serve a model that the native one refuses with this error: not a
/// file that is damaged, or wrong for any.
bool is_for_another_engine(const Error& refusal);

}  // namespace runed::daemon
