#include "cmd/status.hpp"

#include <fmt/ranges.h>

#include <memory>
#include <ostream>
#include <thread>

#include "base/duration.hpp"
#include "base/json.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "bootstrap/config/daemon_lock.hpp"
#include "bootstrap/config/json_document.hpp"
#include "client/client.hpp"
#include "cmd/line/flag_set.hpp"
#include "cmd/line/model_text.hpp"
#include "cmd/line/note.hpp"
#include "cmd/line/value_checks.hpp"
#include "cmd/setting_differences.hpp"
#include "os/machine/memory.hpp"
#include "os/process/process.hpp"

namespace runed::cmd {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kPoll{50};

constexpr const char* kExamples =
    "  runed status\n"
    "  runed status --json\n"
    "  runed status --wait-ready 30 && ./index.sh";

/// What could be learnt about the daemon.
struct Observation {
  enum class Liveness { absent, silent, answering };

  Liveness liveness = Liveness::absent;
  std::string problem;        // Why it is absent or silent.
  bool is_elsewhere = false;  // At another socket of the same home.
  int pid = 0;
  client::InfoReport info;
  client::HealthReport health;
  std::vector<client::ModelReport> models;  // Empty of a daemon that has only one.

  std::string state() const {
    switch (liveness) {
      case Liveness::absent:
        return "not_running";
      case Liveness::silent:
        return "unresponsive";
      case Liveness::answering:
        break;
    }
    return health.state;
  }
  bool is_ready() const {
    return liveness == Liveness::answering && (health.state == "ok" || health.state == "idle");
  }
};

// A daemon that has ended while it was asked does not run, whoever ended it.
Observation without_answer(int pid, const Error& why) {
  Observation seen;
  seen.problem = why.message;
  if (os::wait_for_exit(pid, milliseconds(0))) return seen;
  seen.liveness = Observation::Liveness::silent;
  seen.pid = pid;
  return seen;
}

// Only a socket that nobody listens on means that no daemon runs; anything else is an error.
Result<Observation> observe(const client::DaemonLocation& daemon, const Services& services) {
  Observation seen;
  auto client = client::Client::connect(
      {.daemon = daemon, .on_loading = {}, .on_stuck = services.end_process});
  if (!client) {
    const ErrorCode code = client.error().code;
    if (code != ErrorCode::not_found && code != ErrorCode::unavailable) {
      return std::move(client).error();
    }
    seen.problem = client.error().message;
    if (const auto holder =
            bootstrap::find_daemon_elsewhere(daemon.daemon_lock, daemon.socket_path)) {
      seen.is_elsewhere = true;
      seen.problem =
          bootstrap::serves_elsewhere(*holder, daemon.daemon_lock, daemon.socket_path).message;
    }
    return seen;
  }
  auto health = client->health();
  if (!health) return without_answer(client->daemon_pid(), health.error());
  auto info = client->info();
  if (!info) return without_answer(client->daemon_pid(), info.error());
  seen.pid = client->daemon_pid();
  seen.liveness = Observation::Liveness::answering;
  seen.health = *std::move(health);
  seen.info = *std::move(info);
  if (auto models = client->models()) seen.models = *std::move(models);
  return seen;
}

ExitCode exit_code_of(const Observation& seen) {
  if (seen.liveness == Observation::Liveness::absent) return ExitCode::not_running;
  return seen.is_ready() ? ExitCode::ok : ExitCode::not_serving;
}

std::string sentence(const Observation& seen, const std::string& socket) {
  const std::string state = seen.state();
  if (seen.is_elsewhere) return fmt::format("runed is not running there: {}.", seen.problem);
  if (state == "not_running") {
    return fmt::format("runed is not running: nothing listens on '{}'.", socket);
  }
  if (state == "unresponsive") {
    return fmt::format("runed (pid {}) does not answer: {}.", seen.pid, seen.problem);
  }
  if (state == "ok") {
    if (is_reranker(seen.info)) {
      return fmt::format("runed is ready: it serves {}, which scores pairs of texts.",
                         seen.info.model_name);
    }
    return fmt::format("runed is ready: it serves {} with {} dimensions.", seen.info.model_name,
                       seen.info.vector_dim);
  }
  if (state == "idle") {
    return fmt::format("runed is idle: {} gave its memory back and resumes on the next request.",
                       seen.info.model_name);
  }
  if (state == "loading") return fmt::format("runed is loading: {}.", seen.health.message);
  if (state == "shutting_down") return "runed is shutting down.";
  return fmt::format("runed runs but cannot embed: {}.", seen.health.message);
}

// A value, or null where the daemon is not there to tell it.
template <typename T>
Json known(bool is_known, const T& value) {
  return is_known ? Json(value) : Json(nullptr);
}

Json config_json(const Observation& seen, const Location& location) {
  if (seen.info.config.empty()) return bootstrap::to_json(location.settings);
  Json config = Json::object();
  for (const auto& entry : seen.info.config) {
    config[entry.key] = {{"value", known(!entry.value.empty(), entry.value)},
                         {"origin", entry.origin}};
    if (const auto wanted = find_wanted(entry, location.settings)) {
      config[entry.key]["wanted"] = *wanted;
    }
  }
  return config;
}

Json to_json(const Observation& seen, const Location& location, const std::string& socket) {
  const bool answers = seen.liveness == Observation::Liveness::answering;
  const bool runs = seen.liveness != Observation::Liveness::absent;
  const bool has_model = answers && !seen.info.model_identity.empty();
  const auto& info = seen.info;
  const auto& health = seen.health;
  const std::string& message = answers ? health.message : seen.problem;
  return Json{
      {"running", runs},
      {"state", seen.state()},
      {"phase", known(answers && !health.phase.empty(), health.phase)},
      {"bytes_done", known(answers, health.bytes_done)},
      {"bytes_total", known(answers, health.bytes_total)},
      {"pid", known(runs, seen.pid)},
      {"started_at", known(answers, format_time(info.started_at))},
      {"daemon_version", known(answers, info.daemon_version)},
      {"model_identity", known(has_model, info.model_identity)},
      {"model_name", known(has_model, info.model_name)},
      {"variant", known(answers, info.variant)},
      {"engine", known(has_model, info.engine)},
      {"engine_version", known(!info.engine_version.empty(), info.engine_version)},
      {"engine_reason", known(!info.engine_reason.empty(), info.engine_reason)},
      {"compute", known(has_model, info.compute)},
      {"kernel", known(!info.kernel.empty(), info.kernel)},
      {"query_prompt", prompt_json(info.query_prompt)},
      {"document_prompt", prompt_json(info.document_prompt)},
      {"prompt_source", known(!info.prompt_source.empty(), info.prompt_source)},
      {"prompt_names", prompt_names_json(info.named_prompts)},
      {"default_prompt_name", known(!info.default_prompt_name.empty(), info.default_prompt_name)},
      {"pooling", known(!info.pooling.empty(), info.pooling)},
      {"pooling_source", known(!info.pooling_source.empty(), info.pooling_source)},
      {"vector_dim", known(has_model, info.vector_dim)},
      {"min_dimensions", known(info.min_dimensions > 0, info.min_dimensions)},
      {"max_tokens", known(has_model, info.max_tokens)},
      {"max_tokens_source", known(!info.max_tokens_source.empty(), info.max_tokens_source)},
      {"socket_path", socket},
      {"home", location.paths.home},
      {"requests", known(answers, health.requests)},
      {"queue_tokens", known(answers, health.queue_tokens)},
      {"restarts", known(answers, health.restarts)},
      {"resident_bytes", known(runs, os::resident_bytes_of(seen.pid))},
      {"reason", known(answers && !health.reason.empty(), health.reason)},
      {"message", known(!message.empty(), message)},
      {"models", models_json(seen.models)},
      {"inherited", known(answers, info.inherited)},
      {"config", config_json(seen, location)},
  };
}

// `notes: loaded, 610.3 MiB`.
std::string describe_model(const client::ModelReport& model) {
  std::string text = fmt::format("{}: {}", model.names.front(), describe_state(model.health.state));
  if (model.memory_bytes > 0) {
    text += ", " + format_bytes(static_cast<uint64_t>(model.memory_bytes));
  }
  return text;
}

std::string describe_progress(const client::HealthReport& health) {
  const std::string done = format_bytes(static_cast<uint64_t>(health.bytes_done));
  if (health.bytes_total == 0) return done;
  return fmt::format("{} of {}", done, format_bytes(static_cast<uint64_t>(health.bytes_total)));
}

std::string to_text(const Observation& seen, const Location& location, const std::string& socket) {
  std::string text = sentence(seen, socket) + "\n";
  const auto line = [&text](std::string_view key, const std::string& value) {
    if (!value.empty()) text += fmt::format("  {:<15} {}\n", key, value);
  };
  if (seen.liveness == Observation::Liveness::answering) {
    if (!seen.info.model_identity.empty()) {
      line("model", fmt::format("{} ({})", seen.info.model_name, seen.info.model_identity));
      line("engine", describe_engine(seen.info.engine, seen.info.engine_version,
                                     {seen.info.compute, seen.info.kernel}));
    }
    line("because", seen.info.engine_reason);
    if (!seen.info.model_identity.empty()) {
      line("limits", describe_limits(seen.info));
      line("prompts", describe_prompts(seen.info));
      if (!seen.info.pooling.empty()) {
        line("pooling",
             fmt::format("{} ({})", seen.info.pooling, describe_source(seen.info.pooling_source)));
      }
    }
    line("variant", seen.info.variant);
    for (const client::ModelReport& model : seen.models) {
      if (!model.is_default) line("beside it", describe_model(model));
    }
    line("requests", std::to_string(seen.health.requests));
    line("queue", fmt::format("{} tokens", seen.health.queue_tokens));
    if (seen.health.restarts > 0) line("restarts", std::to_string(seen.health.restarts));
    line("version", seen.info.daemon_version);
    line("started", format_time(seen.info.started_at));
    line("inherited", fmt::format("{}", fmt::join(seen.info.inherited, ", ")));
    line("reason", seen.health.reason);
    if (seen.health.bytes_done > 0) line("progress", describe_progress(seen.health));
    if (seen.state() == "ok") line("note", seen.health.message);
  }
  if (seen.liveness != Observation::Liveness::absent) {
    line("pid", std::to_string(seen.pid));
    line("resident memory", format_bytes(os::resident_bytes_of(seen.pid)));
  }
  line("socket", socket);
  line("home", location.paths.home);
  for (const auto& entry : seen.info.config) {
    const auto wanted = find_wanted(entry, location.settings);
    if (wanted.has_value()) {
      line(entry.key,
           fmt::format("{} (from {}), but '{}' is wanted", entry.value, entry.origin, *wanted));
    } else if (entry.origin != "default") {
      line(entry.key, fmt::format("{} (from {})", entry.value, entry.origin));
    }
  }
  return text;
}

}  // namespace

Result<ExitCode> run_status(const StatusFlags& flags, Services& services) {
  TRY_ASSIGN(const auto found, locate_anyway(flags.location, services, HomeUse::look));
  const auto& [location, faults] = found;
  note_faults(faults, flags.json, services);
  TRY_ASSIGN(const client::DaemonLocation daemon, daemon_location(location));
  const SteadyTime until = services.clock.steady_now() + to_milliseconds(flags.wait_ready_seconds);
  TRY_ASSIGN(Observation seen, observe(daemon, services));
  while (!seen.is_ready() && services.clock.steady_now() < until) {
    std::this_thread::sleep_for(kPoll);
    TRY_ASSIGN(seen, observe(daemon, services));
  }
  if (flags.json) {
    services.out << bootstrap::to_document(to_json(seen, location, daemon.socket_path));
  } else {
    services.out << escape_invalid_utf8(to_text(seen, location, daemon.socket_path));
  }
  return exit_code_of(seen);
}

Runner define_status(FlagSet& set) {
  auto flags = std::make_shared<StatusFlags>();
  set.footer(kExamples);
  set.add_flag("--json", flags->json, "Print one JSON document with fixed keys");
  set.add_option("--wait-ready", flags->wait_ready_seconds,
                 "Wait up to this long for a daemon that can embed")
      .type_name("SECONDS")
      .check(check_seconds_or_none);
  add_location_flags(set, flags->location);
  return [flags](Services& services) { return run_status(*flags, services); };
}

}  // namespace runed::cmd
