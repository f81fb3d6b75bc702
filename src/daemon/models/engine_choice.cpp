#include "daemon/models/engine_choice.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>
#include <utility>

#include "base/text.hpp"
#include "bootstrap/config/setting_table.hpp"
#include "bootstrap/use/ready_llama_server.hpp"
#include "daemon/models/engine_factory.hpp"
#include "embed/model/model_file.hpp"
#include "embed/model/spec_reader.hpp"
#include "os/directory/directories.hpp"
#include "os/file/files.hpp"

namespace runed::daemon {
namespace {

using bootstrap::EngineKind;

// Tells whether a directory has an entry that begins so.
bool has_entry(const std::string& directory, std::string_view prefix) {
  const auto entries = os::list_directory(directory);
  return entries && std::ranges::any_of(*entries, [prefix](const os::DirectoryEntry& entry) {
           return entry.name.starts_with(prefix);
         });
}

// Of NVIDIA (`nvidia0`), of AMD for computing, of anybody for drawing, and through WSL.
bool has_gpu_device() {
  constexpr std::array<std::string_view, 3> kDevices{"nvidia", "kfd", "dxg"};
  return has_entry("/dev/dri", "renderD") ||
         std::ranges::any_of(kDevices, [](auto prefix) { return has_entry("/dev", prefix); });
}

// Who asked for an engine by its name.
std::string asked_by(bootstrap::Origin origin) {
  return fmt::format("{} says so", bootstrap::place_of("engine", origin));
}

// Damaged, or converted wrongly: llama-server would not serve it either, or serve wrong vectors.
bool is_for_no_engine(const Error& refusal) {
  return refusal.code == ErrorCode::model_corrupt || refusal.facts.has(fact::kConversionFault);
}

Result<EngineChoice> choose_llama_server(const EngineQuery& query, std::string reason) {
  TRY_ASSIGN(std::string executable, query.get_llama_server());
  return EngineChoice{EngineKind::llama_server, std::move(executable), std::move(reason)};
}

Result<EngineChoice> choose_native(const EngineQuery& query, Status served) {
  if (served) return EngineChoice{.reason = asked_by(query.settings.engine.origin)};
  const bool has_other = is_for_another_engine(served.error());
  Error error = embed::about(source_of(query.model), std::move(served).error());
  if (has_other) error.hint = "llama-server may serve it: leave the engine at auto, or name that";
  return error;
}

// A llama-server that can use a GPU, if one is there: nothing is fetched for the sake of it. Where
// it cannot be told, `doubt` says why.
Result<std::optional<EngineChoice>> find_for_gpu(const EngineQuery& query, const GpuProbe& probe,
                                                 std::string& doubt) {
  if (!probe.has_device()) return std::nullopt;
  auto executable =
      bootstrap::check_llama_server(query.paths, query.settings, query.environment, query.watch);
  if (executable) {
    auto gpu = probe.find_usable(*executable);
    if (gpu && gpu->empty()) return std::nullopt;
    if (gpu) {
      return EngineChoice{EngineKind::llama_server, *std::move(executable),
                          fmt::format("a GPU is present: {}", *gpu)};
    }
    doubt = gpu.error().message;
  } else if (executable.error().code == ErrorCode::cancelled) {
    return std::move(executable).error();
  } else if (executable.error().code != ErrorCode::not_found) {
    doubt = executable.error().message;
  }
  return std::nullopt;
}

// It is not the model that is to blame for a server that is not reached, or a disk that is full.
bool can_be_had_later(const Error& error) {
  return error.code == ErrorCode::network || error.code == ErrorCode::integrity ||
         error.code == ErrorCode::io || error.code == ErrorCode::deadline_exceeded;
}

Result<EngineChoice> choose_by_model(const EngineQuery& query, Status served,
                                     const std::string& doubt) {
  if (served) {
    std::string reason = "it can serve this model";
    if (!doubt.empty()) reason += "; whether a GPU can be used is not known: " + doubt;
    return EngineChoice{.reason = std::move(reason)};
  }
  const std::string why = served.error().message;
  const bool has_other = is_for_another_engine(served.error());
  Error refusal = embed::about(source_of(query.model), std::move(served).error());
  if (!has_other) return refusal;
  auto choice =
      choose_llama_server(query, fmt::format("the native engine cannot serve this model: {}", why));
  if (choice || choice.error().code == ErrorCode::cancelled) return choice;
  if (can_be_had_later(choice.error())) {
    Error error = std::move(choice).error();
    error.message =
        fmt::format("this model needs llama-server, and that cannot be had: {}", error.message);
    return error;
  }
  if (choice.error().code == ErrorCode::not_found) {
    refusal.facts.set(fact::kMissing, std::string(name_of(EngineKind::llama_server)));
  }
  // The model is what can be changed most easily.
  refusal.hint = "llama-server may serve it, but: " + choice.error().message;
  if (!choice.error().hint.empty()) refusal.hint += "; " + choice.error().hint;
  return refusal;
}

bool is_directory(const bootstrap::ReadyModel& model) {
  return !model.path.empty() && os::is_directory(model.path);
}

// Only the native engine reads one, wherever a llama-server is named and whatever GPU it could use.
Result<EngineChoice> choose_for_directory(const EngineQuery& query, Status served) {
  const auto& [engine, origin] = query.settings.engine;
  const std::string way = "write it as a GGUF file, and name that: runed convert " +
                          shell_quoted(query.model.path) + " -o FILE.gguf";
  if (engine == EngineKind::llama_server) {
    return make_error(ErrorCode::model_unsupported,
                      "the model '{}' is a directory, which llama-server cannot read ({})",
                      query.model.path, asked_by(origin))
        .with_hint(way);
  }
  if (served) {
    return EngineChoice{.reason = engine == EngineKind::native
                                      ? asked_by(origin)
                                      : "llama-server cannot read a directory"};
  }
  Error error = embed::about(source_of(query.model), std::move(served).error());
  if (error.hint.empty()) error.hint = "llama-server may serve it: " + way;
  return error;
}

// Only the native engine makes pairs as their models were trained to see them, wherever a llama-server
// is named and whatever GPU it could use.
Result<EngineChoice> choose_for_reranker(const EngineQuery& query, Status served) {
  const auto& [engine, origin] = query.settings.engine;
  if (engine == EngineKind::llama_server) {
    return embed::about(source_of(query.model),
                        make_error(ErrorCode::model_unsupported,
                                   "the model is a reranker, which llama-server does not compute "
                                   "as its makers do ({})",
                                   asked_by(origin))
                            .with_hint("leave the engine at auto, or name native"));
  }
  if (served) {
    return EngineChoice{.reason = engine == EngineKind::native
                                      ? asked_by(origin)
                                      : "the model is a reranker, which it alone serves"};
  }
  Error error = embed::about(source_of(query.model), std::move(served).error());
  if (error.hint.empty()) error.hint = "name another reranker; no other engine serves this one";
  return error;
}

}  // namespace

GpuProbe system_gpu_probe() {
  return {.has_device = has_gpu_device,
          .find_usable = [](const std::string& executable) -> Result<std::string> {
            TRY_ASSIGN(const LlamaServerBuild build, ask_llama_server(executable));
            return build.has_gpu ? build.devices.front() : std::string();
          }};
}

Result<EngineChoice> choose_engine(const EngineQuery& query, const GpuProbe& probe) {
  const auto& [engine, origin] = query.settings.engine;
  NativeVerdict verdict = check_native(query.model, query.settings);
  Status served = std::move(verdict.served);
  if (!served && is_for_no_engine(served.error())) {
    return embed::about(source_of(query.model), std::move(served).error());
  }
  if (is_directory(query.model)) return choose_for_directory(query, std::move(served));
  if (verdict.is_reranker) return choose_for_reranker(query, std::move(served));
  if (engine == EngineKind::native) return choose_native(query, std::move(served));
  if (engine == EngineKind::llama_server) return choose_llama_server(query, asked_by(origin));
  if (auto named = bootstrap::describe_named_llama_server(query.settings)) {
    return choose_llama_server(query, *std::move(named));
  }
  std::string doubt;
  TRY_ASSIGN(auto for_gpu, find_for_gpu(query, probe, doubt));
  if (for_gpu.has_value()) return *std::move(for_gpu);
  return choose_by_model(query, std::move(served), doubt);
}

bool is_for_another_engine(const Error& refusal) {
  return refusal.code == ErrorCode::model_unsupported && !refusal.facts.has(fact::kConversionFault);
}

}  // namespace runed::daemon
