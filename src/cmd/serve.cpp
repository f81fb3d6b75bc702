#include "cmd/serve.hpp"

#include <fmt/ranges.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/check.hpp"
#include "base/log.hpp"
#include "bootstrap/config/home.hpp"
#include "bootstrap/config/last_daemon.hpp"
#include "bootstrap/use/model_choice.hpp"
#include "client/client.hpp"
#include "cmd/exit_code.hpp"
#include "cmd/line/flag_set.hpp"
#include "cmd/line/known_variables.hpp"
#include "cmd/line/setting_flags.hpp"
#include "cmd/serve/served_models.hpp"
#include "cmd/setting_differences.hpp"
#include "cmd/version.hpp"
#include "daemon/grpc/library_logs.hpp"
#include "daemon/life/daemon.hpp"
#include "daemon/models/engine_factory.hpp"
#include "os/file/files.hpp"
#include "os/file/rotating_file.hpp"
#include "os/net/poll.hpp"
#include "os/net/socket_path.hpp"
#include "os/process/process.hpp"

namespace runed::cmd {
namespace {

constexpr const char* kExamples =
    "  runed serve\n"
    "  runed serve --model Qwen3-Embedding-0.6B-Q8_0.gguf\n"
    "  RUNED_IDLE_TIMEOUT=1h runed serve";

Result<daemon::Outcome> serve(const Location& location, bootstrap::SettingFlags flags,
                              daemon::Detached detached, Services& services, Log& log) {
  const bootstrap::Paths& paths = location.paths;
  bootstrap::Settings settings = location.settings;
  TRY_ASSIGN(const auto choice, bootstrap::choose_model(paths, settings));
  TRY(bootstrap::make_directories(paths));
  TRY(daemon::check_engine(paths, settings, services.environment));
  if (!settings.model_variant.value.has_value() && !choice.variant.empty()) {
    settings.model_variant = {choice.variant, choice.origin};
  }
  const auto read_settings = [&, flags = std::move(flags)] {
    return bootstrap::load_settings(paths, services.environment, flags);
  };
  ServedModels models(paths, settings, choice, services.environment, read_settings, services.clock,
                      log);
  daemon::DaemonOptions options{
      .home = paths.home,
      .socket_path = os::resolve_socket_path(paths.socket),
      .lock_path = paths.daemon_lock,
      .models = models.pool_options(),
      .look_at_file = [&](const std::string& path,
                          const auto& is_ending) { return models.look_at_file(path, is_ending); },
      .reload = [&](daemon::ModelPool& pool) { return models.reload(pool); },
      .is_abandoned = std::move(detached.is_abandoned),
      .service = {.daemon_version = kVersion,
                  .config = config_values(settings),
                  .inherited = std::move(detached.inherited)},
  };
  options.on_begin = [&] {
    const Status written = bootstrap::write_last_daemon(
        paths.last_daemon, paths.dead_daemon,
        {.pid = os::process_id(), .settings = bootstrap::to_texts(settings)});
    if (!written) log.warn("cannot leave word", {{"error", written.error().message}});
  };
  options.exit_code_of = [](const Error& error) {
    return static_cast<int>(exit_code_of(error.code));
  };
  options.on_end = [&] { static_cast<void>(os::remove_file(paths.last_daemon).has_value()); };
  return daemon::run_daemon(std::move(options), *services.signals, services.clock, log);
}

// A daemon that a client started prints into the log of its home, and puts it aside when it is full.
// Whatever else standard error is belongs to who started us.
Log::Sink own_log_sink(const bootstrap::Paths& paths) {
  auto file = os::RotatingFile::of_standard_error({.path = paths.daemon_log});
  if (!file.has_value()) return {};
  const auto log = std::make_shared<os::RotatingFile>(*std::move(file));
  return [log](std::string_view line) { return log->write(line).has_value(); };
}

// A reader that has stopped, as a pager has, must not stop the daemon.
bool write_to_stderr(std::string_view line) {
  constexpr std::chrono::milliseconds kPatience{20};
  return os::write_in_time(os::kStderr, line, kPatience).has_value();
}

// Another daemon serves this home. That is what was asked for only if it has the settings that this
// one would have.
Status check_running_daemon(const Location& location, const Services& services) {
  TRY_ASSIGN(const client::DaemonLocation daemon, daemon_location(location));
  auto client = client::Client::connect(
      {.daemon = daemon, .on_loading = {}, .on_stuck = services.end_process});
  if (!client) return {};  // It has just ended.
  const auto info = client->info();
  if (!info) return {};
  TRY_ASSIGN(const auto differences, compare_settings(location, *info, Compared::everything));
  if (differences.empty()) return {};
  std::vector<std::string> texts;
  for (const SettingDifference& difference : differences) texts.push_back(difference.text);
  return make_error(ErrorCode::other_settings,
                    "a daemon with other settings serves this home already (pid {}): {}", info->pid,
                    fmt::join(texts, "; "))
      .with_hint("'runed shutdown --wait 10' ends it; then start this one");
}

}  // namespace

Result<ExitCode> run_serve(const ServeFlags& flags, Services& services) {
  CHECK(services.signals != nullptr);
  TRY_ASSIGN(const Location location, locate(flags.location, flags.settings, services));
  // Once paths are absolute, and before the CPUs are counted and the first thread is started.
  daemon::Detached detached = daemon::detach(flags.starter, services.environment);
  const Log::Sink own_log = own_log_sink(location.paths);
  Log log(os::is_terminal(os::kStderr) ? Log::Format::text : Log::Format::json, services.clock,
          own_log ? own_log : Log::Sink(write_to_stderr));
  const daemon::LibraryLogs library_logs(log);
  for (const std::string& text : find_misspelt_variables(os::environment_variables())) {
    log.warn("misspelt variable", {{"what", text}});
  }
  bootstrap::SettingFlags all_flags = flags.settings;
  if (flags.location.socket.has_value()) all_flags["socket"] = *flags.location.socket;
  auto outcome = serve(location, std::move(all_flags), std::move(detached), services, log);
  Status ended = outcome ? Status() : Status(std::move(outcome).error());
  if (ended && *outcome == daemon::Outcome::already_running)
    ended = check_running_daemon(location, services);
  if (!ended) {
    const Error& error = ended.error();
    log.error("fatal",
              {{"err", error.message}, {"code", name_of(error.code)}, {"hint", error.hint}});
    if (own_log) return exit_code_of(error.code);  // Whoever reads it has been told.
    return error;
  }
  return ExitCode::ok;
}

Runner define_serve(FlagSet& set) {
  auto flags = std::make_shared<ServeFlags>();
  set.footer(kExamples);
  add_setting_flags(set, flags->settings);
  add_location_flags(set, flags->location);
  return [flags](Services& services) { return run_serve(*flags, services); };
}

}  // namespace runed::cmd
