#include "cmd/serve.hpp"

#include <CLI/CLI.hpp>

#include "base/check.hpp"
#include "base/log.hpp"
#include "bootstrap/model_choice.hpp"
#include "cmd/version.hpp"
#include "daemon/daemon.hpp"
#include "daemon/engine.hpp"
#include "daemon/engine_maker.hpp"
#include "os/process.hpp"
#include "os/socket_path.hpp"

namespace runed::cmd {
namespace {

constexpr const char* kExamples =
    "  runed serve\n"
    "  runed serve --model Qwen3-Embedding-0.6B-Q8_0.gguf\n"
    "  RUNED_IDLE_TIMEOUT=1h runed serve";

std::vector<daemon::ServiceInfo::ConfigValue> config_values(const bootstrap::Settings& settings) {
  std::vector<daemon::ServiceInfo::ConfigValue> values;
  const Json config = bootstrap::to_json(settings);
  for (const auto& [key, setting] : config.items()) {
    const Json& value = setting["value"];
    std::string text;  // Empty for a value that is not set.
    if (value.is_string()) {
      text = value;
    } else if (!value.is_null()) {
      text = to_line(value);
    }
    values.push_back({key, std::move(text), setting["origin"]});
  }
  return values;
}

Result<daemon::Outcome> serve(const Location& location, Services& services, Log& log) {
  const bootstrap::Paths& paths = location.paths;
  bootstrap::Settings settings = location.settings;
  TRY(bootstrap::make_directories(paths));
  TRY(daemon::check_engine(paths, settings, services.environment));
  TRY_ASSIGN(const auto choice, bootstrap::choose_model(paths, settings));
  if (!settings.model_variant.value.has_value() && !choice.variant.empty()) {
    settings.model_variant = {choice.variant, choice.origin};
  }
  daemon::DaemonOptions options{
      .home = paths.home,
      .socket_path = os::resolve_socket_path(paths.socket),
      .lock_path = paths.daemon_lock,
      .centroids_path = paths.centroids,
      .idle_timeout = settings.idle_timeout.value,
      .cache_bytes = size_t{settings.cache_mb.value} << 20,
      .service = {.daemon_version = kVersion, .config = config_values(settings)},
  };
  TRY(os::prepare_socket_directory(options.socket_path));
  return daemon::run_daemon(std::move(options),
                            daemon::make_engine_maker({.paths = paths,
                                                       .settings = settings,
                                                       .model = choice,
                                                       .environment = services.environment,
                                                       .policy = {}},
                                                      services.clock, log),
                            *services.signals, services.clock, log);
}

}  // namespace

Result<ExitCode> run_serve(const ServeFlags& flags, Services& services) {
  CHECK(services.signals != nullptr);
  Log log(os::is_terminal(os::kStderr) ? Log::Format::text : Log::Format::json, services.clock);
  TRY_ASSIGN(const Location location, locate(flags.location,
                                             {.model = flags.model,
                                              .model_variant = flags.variant,
                                              .manifest = flags.manifest,
                                              .engine = flags.engine,
                                              .llama_profile = flags.llama_profile,
                                              .idle_timeout = flags.idle_timeout,
                                              .ctx_size = flags.ctx_size,
                                              .cache_mb = flags.cache_mb,
                                              .cpu = flags.cpu,
                                              .compute = flags.compute,
                                              .threads = flags.threads},
                                             services));
  auto outcome = serve(location, services, log);
  if (!outcome) {
    log.error("fatal", {{"err", outcome.error().message}, {"code", name_of(outcome.error().code)}});
    return std::move(outcome).error();
  }
  return ExitCode::ok;
}

Runner define_serve(CLI::App& app) {
  auto flags = std::make_shared<ServeFlags>();
  app.footer(kExamples);
  app.add_option("--model", flags->model, "Serve this GGUF (RUNED_MODEL)")->type_name("FILE");
  app.add_option("--variant", flags->variant, "Serve this variant (RUNED_MODEL_VARIANT)")
      ->type_name("NAME");
  app.add_option("--manifest", flags->manifest, "Fetch what is missing from it (RUNED_MANIFEST)")
      ->type_name("URL");
  app.add_option("--engine", flags->engine, "auto, native or llama-server (RUNED_ENGINE)")
      ->type_name("NAME");
  app.add_option("--llama-profile", flags->llama_profile,
                 "Tune llama-server for speed or lowmem (RUNED_LLAMA_PROFILE, speed)")
      ->type_name("NAME");
  app.add_option("--ctx-size", flags->ctx_size,
                 "Most tokens of a text (RUNED_CTX_SIZE; the model's)")
      ->type_name("TOKENS");
  app.add_option("--cache-mb", flags->cache_mb,
                 "Keep MiB of recent vectors; 0: none (RUNED_CACHE_MB, 32)")
      ->type_name("MIB");
  app.add_option("--cpu", flags->cpu,
                 "avx512-bf16, avx512-vnni, avx512, avx-vnni, avx2 or portable (RUNED_CPU)")
      ->type_name("NAME");
  app.add_option("--compute", flags->compute, "auto, f32, bf16, int16 or int8 (RUNED_COMPUTE)")
      ->type_name("MODE");
  app.add_option("--threads", flags->threads,
                 "Compute with so many, up to 64 (RUNED_THREADS; the CPUs there are)")
      ->type_name("N");
  app.add_option("--idle-timeout", flags->idle_timeout,
                 "Give memory back after this long; 0: never (RUNED_IDLE_TIMEOUT, 10m)")
      ->type_name("DURATION");
  add_location_flags(app, flags->location);
  return [flags](Services& services) { return run_serve(*flags, services); };
}

}  // namespace runed::cmd
