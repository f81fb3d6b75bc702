#include "daemon/models/engine.hpp"

#include <algorithm>
#include <utility>

#include "bootstrap/config/home.hpp"
#include "bootstrap/use/ready_llama_server.hpp"
#include "embed/llama_server/llama_server_embedder.hpp"
#include "embed/model/gguf.hpp"
#include "embed/model/model_header.hpp"
#include "embed/native/native_embedder.hpp"
#include "embed/tokenizer/native_tokenizer.hpp"
#include "os/machine/cpus.hpp"
#include "os/net/socket_path.hpp"

namespace runed::daemon {
namespace {

using bootstrap::Engine;
using embed::llama_server::LlamaServerEmbedder;
using embed::llama_server::Profile;
namespace native = embed::native;

native::Compute to_native(bootstrap::Compute compute) {
  switch (compute) {
    case bootstrap::Compute::f32:
      return native::Compute::f32;
    case bootstrap::Compute::bf16:
      return native::Compute::bf16;
    case bootstrap::Compute::int16:
      return native::Compute::int16;
    case bootstrap::Compute::int8:
      return native::Compute::int8;
    case bootstrap::Compute::auto_select:
      break;
  }
  return native::Compute::automatic;
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
Result<std::unique_ptr<native::NativeEmbedder>> create_native(native::NativeOptions options,
                                                              const Clock& clock) {
  auto embedder = native::NativeEmbedder::create(std::move(options), clock);
  if (!embedder && embedder.error().code == ErrorCode::invalid_argument) {
    embedder.error().code = ErrorCode::bad_config;
  }
  return embedder;
}

// An engine that is not started has no model yet, and costs nothing.
Status check_native_options(const bootstrap::Settings& settings) {
  native::NativeOptions options = native_options(settings);
  options.threads = 1;
  const SystemClock clock;
  TRY(create_native(std::move(options), clock));
  return {};
}

Result<std::unique_ptr<embed::Embedder>> make_native(const bootstrap::ReadyModel& model,
                                                     const bootstrap::Settings& settings,
                                                     const Clock& clock) {
  native::NativeOptions options = native_options(settings);
  options.source = source_of(model);
  options.sha256 = sha256_of(model);
  options.file = model.file;
  options.promised_sha256 = model.promised_sha256;
  options.published = published_facts(model);
  TRY_ASSIGN(auto embedder, create_native(std::move(options), clock));
  return std::unique_ptr<embed::Embedder>(std::move(embedder));
}

Result<std::unique_ptr<embed::Embedder>> make_llama_server(EngineOptions options,
                                                           const bootstrap::Settings& settings,
                                                           const Clock& clock) {
  const bootstrap::ReadyModel& model = options.model;
  const std::string socket = os::resolve_socket_path(options.places.socket);
  TRY(os::prepare_socket_directory(socket));
  const bool is_lowmem = settings.llama_profile.value == bootstrap::LlamaProfile::lowmem;
  TRY_ASSIGN(auto embedder,
             LlamaServerEmbedder::create({.executable = std::move(options.choice.executable),
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
                                          .log = options.log},
                                         clock));
  return std::unique_ptr<embed::Embedder>(std::move(embedder));
}

Result<Vocabulary> load(const bootstrap::ReadyModel& model) {
  TRY_ASSIGN(const auto file, native::ModelFile::open(source_of(model)));
  return native::read_unchanged(*file, [&]() -> Result<Vocabulary> {
    TRY_ASSIGN(std::string sha256,
               native::identify(*file, sha256_of(model), model.file, model.promised_sha256));
    TRY_ASSIGN(const auto gguf, native::Gguf::parse(file->bytes()));
    TRY_ASSIGN(auto card, embed::recognise_model(gguf, sha256, published_facts(model)));
    TRY_ASSIGN(const auto header, native::read_model_header(gguf, card.pooling.value));
    TRY_ASSIGN(auto tokenizer, native::NativeTokenizer::create(gguf, header));
    return Vocabulary{.model = {.engine = {},
                                .model_name = header.name,
                                .model_sha256 = std::move(sha256),
                                .compute = {},
                                .kernel = {},
                                .dimension = header.width,
                                .max_tokens = header.context,
                                .card = std::move(card)},
                      .tokenizer = std::move(tokenizer)};
  });
}

}  // namespace

Status inspect_model(const std::string& path) {
  const native::ModelSource source{.bytes = {}, .path = path};
  TRY_ASSIGN(const auto file, native::ModelFile::open(source));
  const auto gguf = native::Gguf::parse(file->bytes());
  TRY(file->check_unchanged());
  if (gguf || gguf.error().code != ErrorCode::model_corrupt) return {};
  return native::about(source, gguf.error());
}

Status check_engine(const bootstrap::Paths& paths, const bootstrap::Settings& settings,
                    const bootstrap::Environment& environment) {
  const Engine engine = settings.engine.value;
  const bool is_named = engine == Engine::auto_select && settings.llama_server.value.has_value();
  if (engine == Engine::llama_server || is_named) {
    return bootstrap::check_llama_server_source(paths, settings, environment);
  }
  return check_native_options(settings);
}

EnginePlaces daemon_places(const bootstrap::Paths& paths) {
  return {.socket = paths.llama_server_socket,
          .model_copy = paths.builtin_model_copy,
          .log = paths.llama_server_log};
}

Result<std::unique_ptr<embed::Embedder>> make_embedder(EngineOptions options,
                                                       const bootstrap::Settings& settings,
                                                       const Clock& clock) {
  if (options.choice.engine == Engine::llama_server) {
    return make_llama_server(std::move(options), settings, clock);
  }
  return make_native(options.model, settings, clock);
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
  DirectEngine engine;
  if (options.choice.engine == Engine::llama_server) {
    TRY(bootstrap::make_directories(paths));
    TRY_ASSIGN(engine.places, os::TemporaryDirectory::create(
                                  fmt::format("{}/{}", paths.cache_dir, bootstrap::kEnginePrefix)));
    const std::string& directory = engine.places->path();
    options.places = {.socket = directory + "/llama-server.sock",
                      .model_copy = directory + "/model.gguf",
                      .log = directory + "/llama-server.log"};
  }
  TRY_ASSIGN(engine.embedder, make_embedder(std::move(options), settings, clock));
  return engine;
}

Result<Vocabulary> load_vocabulary(const bootstrap::ReadyModel& model) {
  auto vocabulary = load(model);
  if (!vocabulary) return native::about(source_of(model), std::move(vocabulary).error());
  return vocabulary;
}

}  // namespace runed::daemon
