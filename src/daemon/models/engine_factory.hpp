#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/log.hpp"
#include "base/result.hpp"
#include "bootstrap/config/environment.hpp"
#include "bootstrap/config/paths.hpp"
#include "bootstrap/config/settings.hpp"
#include "bootstrap/use/ready_model.hpp"
#include "daemon/models/engine_choice.hpp"
#include "embed/engine.hpp"
#include "os/directory/directories.hpp"

namespace runed::embed::native {
class ThreadPool;
}

namespace runed::daemon {

/// The threads that all native models of this process compute on, made when the first one needs them.
/// Any thread.
class ComputePool {
 public:
  std::shared_ptr<embed::native::ThreadPool> get(uint32_t threads);

 private:
  std::mutex mutex_;  // Guards pool_.
  std::shared_ptr<embed::native::ThreadPool> pool_;
};

/// What the native engine's start would say of a model, but for its tokenizer.
struct NativeVerdict {
  /// Errors: model_unsupported for what that does not compute; those of recognise_model and the file.
  Status served;
  bool is_reranker = false;  // As far as its file could be read. No other engine computes one.
};

/// Looks at a model for the native engine. No weight is read.
NativeVerdict check_native(const bootstrap::ReadyModel& model, const bootstrap::Settings& settings);

/// What the native engine has to compute with on this machine.
struct NativeArithmetic {
  std::vector<std::string_view> kernels;  // The instruction sets, the fastest first.
  std::string_view kernel;                // That of the settings.
  std::vector<std::string_view> formats;  // The number formats that it has.
};

/// Errors: invalid_argument for an instruction set that this machine does not have.
Result<NativeArithmetic> native_arithmetic(const bootstrap::Settings& settings);

/// What a build of llama-server says of itself.
struct LlamaServerBuild {
  std::string version;
  std::vector<std::string> devices;  // GPUs that it can use.
  bool has_gpu = false;
};

/// Asks a llama-server. Takes as long as it takes to load its libraries, three times.
/// Errors: not_found, permission_denied; bad_config if it is not a llama-server.
Result<LlamaServerBuild> ask_llama_server(const std::string& executable);

/// Refuses settings that make_engine would refuse, before anything is fetched for them.
/// Errors: bad_config for a kernel or a compute mode that this machine does not have, or a
///         llama-server that cannot be run or had.
Status check_engine(const bootstrap::Paths& paths, const bootstrap::Settings& settings,
                    const bootstrap::Environment& environment);

/// Where llama-server has what it needs. One place is for one process.
struct EnginePlaces {
  std::string socket;      // As os::resolve_socket_path takes it.
  std::string model_copy;  // Of the model in the executable.
  std::string log;
};

/// The daemon's own.
EnginePlaces daemon_places(const bootstrap::Paths& paths);

/// Those in a directory for one engine.
EnginePlaces places_in(const os::TemporaryDirectory& directory);

struct EngineOptions {
  bootstrap::ReadyModel model;
  EngineChoice choice;
  ComputePool* compute_pool = nullptr;  // What native computes on; null: on threads of its own.
  EnginePlaces places;  // Unused by native.
  Log* log = nullptr;   // Null: nothing is logged.
};

/// Makes the chosen engine, not yet started.
/// Errors: bad_config for a kernel or a compute mode that this machine does not have; those of the
///         engine.
Result<std::unique_ptr<embed::Engine>> make_engine(EngineOptions options,
                                                   const bootstrap::Settings& settings,
                                                   const Clock& clock);

/// The engine of one command, which may run beside a daemon of the same home.
struct DirectEngine {
  std::optional<os::TemporaryDirectory> places;  // Of llama-server; outlives the engine.
  std::unique_ptr<embed::Engine> engine;
};

/// Chooses and makes an engine from what is on this machine, without the network.
/// Errors: those of choose_engine and make_engine.
Result<DirectEngine> make_direct_engine(const bootstrap::Paths& paths,
                                        const bootstrap::Settings& settings,
                                        const bootstrap::Environment& environment,
                                        const bootstrap::ReadyModel& model, const Clock& clock);

/// Looks at the header of a model file, as far as no engine could do with another one. Takes as long
/// as the header is, whatever the file's size.
/// Errors: model_corrupt; those of ModelFile::open.
Status inspect_model(const std::string& path);

/// The tokenizer of a model, and whose it is. Its file needs no tensors.
struct Vocabulary {
  embed::ModelInfo model;  // Of no engine.
  std::shared_ptr<const embed::Tokenizer> tokenizer;
};

/// Loads the tokenizer of a model.
/// Errors: those of the model file.
Result<Vocabulary> load_vocabulary(const bootstrap::ReadyModel& model);

}  // namespace runed::daemon
