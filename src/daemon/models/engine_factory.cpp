#include "daemon/models/engine_factory.hpp"

#include <algorithm>
#include <utility>

#include "bootstrap/config/home.hpp"
#include "bootstrap/use/ready_llama_server.hpp"
#include "embed/llama_server/llama_server_engine.hpp"
#include "embed/llama_server/process/server_features.hpp"
#include "embed/model/gguf.hpp"
#include "embed/native/gemm/gemm_choice.hpp"
#include "embed/native/isa/kernel_choice.hpp"
#include "embed/native/native_engine.hpp"
#include "embed/native/pass/supported_spec.hpp"
#include "embed/native/pass/weights.hpp"
#include "embed/tokenizer/tokenizer_table.hpp"
#include "os/machine/cpus.hpp"
#include "os/net/socket_path.hpp"

namespace runed::daemon {
namespace {

using bootstrap::EngineKind;
using embed::llama_server::LlamaServerEngine;
using embed::llama_server::Profile;
namespace native = embed::native;

native::NumberFormat to_native(bootstrap::NumberFormat compute) {
  switch (compute) {
    case bootstrap::NumberFormat::f32:
      return native::NumberFormat::f32;
    case bootstrap::NumberFormat::bf16:
      return native::NumberFormat::bf16;
    case bootstrap::NumberFormat::int16:
      return native::NumberFormat::int16;
    case bootstrap::NumberFormat::int8:
      return native::NumberFormat::int8;
    case bootstrap::NumberFormat::auto_select:
      break;
  }
  return native::NumberFormat::automatic;
}

static_assert(bootstrap::kMostThreads == native::ThreadPool::kMostThreads);

uint32_t threads_of(const bootstrap::Settings& settings) {
  return settings.threads.value.value_or(os::available_cpus());
}

// What the settings say of the engine; nothing of the model.
native::NativeOptions native_options(const bootstrap::Settings& settings) {
  return {.threads = std::min(threads_of(settings), native::ThreadPool::kMostThreads),
          .kernel = settings.cpu.value.value_or(""),
          .compute = to_native(settings.compute.value),
          .max_tokens = settings.ctx_size.value.value_or(0)};
}

// What it finds invalid was set by the user.
Result<std::unique_ptr<native::NativeEngine>> create_native(native::NativeOptions options,
                                                            const Clock& clock) {
  auto engine = native::NativeEngine::create(std::move(options), clock);
  if (!engine && engine.error().code == ErrorCode::invalid_argument) {
    engine.error().code = ErrorCode::bad_config;
  }
  return engine;
}

// An engine that is not started has no model yet, and costs nothing.
Status check_native_options(const bootstrap::Settings& settings) {
  native::NativeOptions options = native_options(settings);
  options.threads = 1;
  const SystemClock clock;
  TRY(create_native(std::move(options), clock));
  return {};
}

Result<std::unique_ptr<embed::Engine>> make_native(const bootstrap::ReadyModel& model,
                                                   ComputePool* pool,
                                                   const bootstrap::Settings& settings,
                                                   const Clock& clock) {
  native::NativeOptions options = native_options(settings);
  if (pool != nullptr) options.pool = pool->get(options.threads);
  options.source = source_of(model);
  options.sha256 = sha256_of(model);
  options.file = model.file;
  options.promised_sha256 = model.promised_sha256;
  options.published = published_facts(model);
  TRY_ASSIGN(auto engine, create_native(std::move(options), clock));
  return std::unique_ptr<embed::Engine>(std::move(engine));
}

// What a llama-server's first vector is compared with: the same model in single precision.
embed::llama_server::MakeReference native_reference(const bootstrap::ReadyModel& model,
                                                    const bootstrap::Settings& settings,
                                                    const Clock& clock) {
  return
      [published = published_facts(model), threads = native_options(settings).threads, &clock](
          embed::llama_server::ReferenceModel reference) -> Result<std::unique_ptr<embed::Engine>> {
        const std::string sha256 = reference.sha256;
        TRY_ASSIGN(auto engine, native::NativeEngine::create({.source = std::move(reference.source),
                                                              .sha256 = sha256,
                                                              .file = reference.file,
                                                              .promised_sha256 = sha256,
                                                              .published = published,
                                                              .threads = threads,
                                                              .compute = native::NumberFormat::f32},
                                                             clock));
        return std::unique_ptr<embed::Engine>(std::move(engine));
      };
}

Result<std::unique_ptr<embed::Engine>> make_llama_server(EngineOptions options,
                                                         const bootstrap::Settings& settings,
                                                         const Clock& clock) {
  const bootstrap::ReadyModel& model = options.model;
  const std::string socket = os::resolve_socket_path(options.places.socket);
  TRY(os::prepare_socket_directory(socket));
  const bool is_lowmem = settings.llama_profile.value == bootstrap::LlamaProfile::lowmem;
  TRY_ASSIGN(auto engine,
             LlamaServerEngine::create({.executable = std::move(options.choice.executable),
                                        .source = source_of(model),
                                        .sha256 = sha256_of(model),
                                        .file = model.file,
                                        .promised_sha256 = model.promised_sha256,
                                        .published = published_facts(model),
                                        .model_copy_path = std::move(options.places.model_copy),
                                        .socket_path = socket,
                                        .log_path = std::move(options.places.log),
                                        .threads = threads_of(settings),
                                        .max_tokens = settings.ctx_size.value.value_or(0),
                                        .profile = is_lowmem ? Profile::lowmem : Profile::speed,
                                        .make_reference = native_reference(model, settings, clock),
                                        .log = options.log},
                                       clock));
  return std::unique_ptr<embed::Engine>(std::move(engine));
}

Result<Vocabulary> load(const bootstrap::ReadyModel& model) {
  TRY_ASSIGN(const auto file, embed::ModelFile::open(source_of(model)));
  return embed::read_unchanged(*file, [&]() -> Result<Vocabulary> {
    TRY_ASSIGN(std::string sha256,
               embed::identify(*file, sha256_of(model), model.file, model.promised_sha256));
    TRY_ASSIGN(const auto gguf, file->gguf());
    TRY_ASSIGN(auto spec, embed::recognise_model(gguf, sha256, published_facts(model)));
    TRY_ASSIGN(auto tokenizer, embed::make_tokenizer(gguf, spec));
    return Vocabulary{.model = {.engine = {},
                                .model_name = spec.name,
                                .model_sha256 = std::move(sha256),
                                .compute = {},
                                .kernel = {},
                                .dimension = spec.dimension(),
                                .max_tokens = spec.longest_text(),
                                .max_tokens_source = embed::source_of_limit(spec, 0),
                                .spec = std::move(spec)},
                      .tokenizer = std::move(tokenizer)};
  });
}

Status check_native(const bootstrap::ReadyModel& model, const bootstrap::Settings& settings,
                    bool& is_reranker) {
  TRY_ASSIGN(const native::Kernel* kernel, native::choose_kernel(settings.cpu.value.value_or("")));
  TRY_ASSIGN(const auto file, embed::ModelFile::open(source_of(model)));
  const auto recognise = [&model](const embed::Gguf& gguf) {
    return embed::recognise_model(gguf, sha256_of(model), published_facts(model));
  };
  return embed::read_unchanged(*file, [&]() -> Status {
    const auto gguf = file->gguf();
    if (!gguf) {
      // What is wrong for any engine counts before a tensor type that is not known.
      const auto metadata = file->gguf_metadata();
      if (metadata) TRY(recognise(*metadata));
      return gguf.error();
    }
    TRY_ASSIGN(const auto spec, recognise(*gguf));
    is_reranker = spec.head == embed::Head::rank;
    TRY(native::check_supported(spec));
    TRY(native::find_weights(*gguf, spec, *kernel));
    return {};
  });
}

}  // namespace

std::shared_ptr<native::ThreadPool> ComputePool::get(uint32_t threads) {
  const std::lock_guard lock(mutex_);
  if (pool_ == nullptr) pool_ = std::make_shared<native::ThreadPool>(threads);
  return pool_;
}

NativeVerdict check_native(const bootstrap::ReadyModel& model,
                           const bootstrap::Settings& settings) {
  NativeVerdict verdict;
  verdict.served = check_native(model, settings, verdict.is_reranker);
  return verdict;
}

Result<NativeArithmetic> native_arithmetic(const bootstrap::Settings& settings) {
  NativeArithmetic found;
  for (const native::Kernel* kernel : native::available_kernels()) {
    found.kernels.push_back(kernel->name);
  }
  TRY_ASSIGN(const native::Kernel* kernel, native::choose_kernel(settings.cpu.value.value_or("")));
  found.kernel = kernel->name;
  for (const auto format : native::formats_of(*kernel)) {
    found.formats.push_back(native::name_of(format));
  }
  return found;
}

Result<LlamaServerBuild> ask_llama_server(const std::string& executable) {
  TRY_ASSIGN(auto features, embed::llama_server::read_features(executable));
  return LlamaServerBuild{.version = std::move(features.version),
                          .devices = std::move(features.devices),
                          .has_gpu = features.has_gpu};
}

Status inspect_model(const std::string& path) {
  const embed::ModelSource source{.bytes = {}, .path = path};
  TRY_ASSIGN(const auto file, embed::ModelFile::open(source));
  const auto gguf = file->gguf();
  TRY(file->check_unchanged());
  if (gguf || gguf.error().code != ErrorCode::model_corrupt) return {};
  return embed::about(source, gguf.error());
}

Status check_engine(const bootstrap::Paths& paths, const bootstrap::Settings& settings,
                    const bootstrap::Environment& environment) {
  const EngineKind engine = settings.engine.value;
  const bool is_named =
      engine == EngineKind::auto_select && settings.llama_server.value.has_value();
  if (engine == EngineKind::llama_server || is_named) {
    return bootstrap::check_llama_server_source(paths, settings, environment);
  }
  return check_native_options(settings);
}

EnginePlaces daemon_places(const bootstrap::Paths& paths) {
  return {.socket = paths.llama_server_socket,
          .model_copy = paths.builtin_model_copy,
          .log = paths.llama_server_log};
}

EnginePlaces places_in(const os::TemporaryDirectory& directory) {
  return {.socket = directory.path() + "/llama-server.sock",
          .model_copy = directory.path() + "/model.gguf",
          .log = directory.path() + "/llama-server.log"};
}

Result<std::unique_ptr<embed::Engine>> make_engine(EngineOptions options,
                                                   const bootstrap::Settings& settings,
                                                   const Clock& clock) {
  if (options.choice.engine == EngineKind::llama_server) {
    return make_llama_server(std::move(options), settings, clock);
  }
  return make_native(options.model, options.compute_pool, settings, clock);
}

Result<DirectEngine> make_direct_engine(const bootstrap::Paths& paths,
                                        const bootstrap::Settings& settings,
                                        const bootstrap::Environment& environment,
                                        const bootstrap::ReadyModel& model, const Clock& clock) {
  TRY(check_engine(paths, settings, environment));
  EngineOptions options{.model = model};
  const auto look = [&] { return bootstrap::check_llama_server(paths, settings, environment, {}); };
  TRY_ASSIGN(options.choice, choose_engine({.paths = paths,
                                            .settings = settings,
                                            .model = model,
                                            .environment = environment,
                                            .get_llama_server = look},
                                           system_gpu_probe()));
  DirectEngine direct;
  if (options.choice.engine == EngineKind::llama_server) {
    TRY(bootstrap::make_directories(paths));
    TRY_ASSIGN(direct.places, os::TemporaryDirectory::create(
                                  fmt::format("{}/{}", paths.cache_dir, bootstrap::kEnginePrefix)));
    options.places = places_in(*direct.places);
  }
  TRY_ASSIGN(direct.engine, make_engine(std::move(options), settings, clock));
  return direct;
}

Result<Vocabulary> load_vocabulary(const bootstrap::ReadyModel& model) {
  auto vocabulary = load(model);
  if (!vocabulary) return embed::about(source_of(model), std::move(vocabulary).error());
  return vocabulary;
}

}  // namespace runed::daemon
