#include "client/reports.hpp"

#include <algorithm>

#include "runed/v1/runed.pb.h"

namespace runed::client {
namespace {

using std::chrono::milliseconds;

std::string state_name(v1::HealthResponse::Status status) {
  switch (status) {
    case v1::HealthResponse::STATUS_OK:
      return "ok";
    case v1::HealthResponse::STATUS_LOADING:
      return "loading";
    case v1::HealthResponse::STATUS_DEGRADED:
      return "degraded";
    case v1::HealthResponse::STATUS_SHUTTING_DOWN:
      return "shutting_down";
    case v1::HealthResponse::STATUS_IDLE:
      return "idle";
    default:
      return "unknown";
  }
}

std::string phase_name(v1::HealthResponse::Phase phase) {
  switch (phase) {
    case v1::HealthResponse::PHASE_FETCHING_LLAMA_SERVER:
      return "fetching_llama_server";
    case v1::HealthResponse::PHASE_FETCHING_MODEL:
      return "fetching_model";
    case v1::HealthResponse::PHASE_STARTING_LLAMA_SERVER:
      return "starting_engine";
    default:
      return "";
  }
}

Prompt to_prompt(const v1::Prompt& wire) {
  return {.prefix = wire.prefix(), .default_task = wire.default_task()};
}

// What Health tells of the daemon and of each of its models.
template <typename Wire>
HealthReport read_health(const Wire& wire) {
  return HealthReport{
      .state = state_name(wire.status()),
      .phase = phase_name(wire.phase()),
      .bytes_done = wire.bytes_done(),
      .bytes_total = wire.bytes_total(),
      .requests = wire.total_requests(),
      .queue_tokens = wire.queue_tokens(),
      .restarts = wire.restarts(),
      .message = wire.message(),
      .reason = wire.reason(),
  };
}

// What Info tells of its model and ListModels of each.
template <typename Wire, typename Report>
void read_model(const Wire& wire, Report& report) {
  report.model_identity = wire.model_identity();
  report.model_name = wire.model_name();
  report.variant = wire.variant();
  report.engine = wire.engine();
  report.engine_version = wire.engine_version();
  report.compute = wire.compute();
  report.kernel = wire.kernel();
  report.prompt_source = wire.prompt_source();
  report.min_dimensions = wire.min_dimensions();
  report.vector_dim = wire.vector_dim();
  report.max_tokens = wire.max_tokens();
  report.max_tokens_source = wire.max_tokens_source();
  report.default_prompt_name = wire.default_prompt_name();
  for (const v1::NamedPrompt& prompt : wire.named_prompts()) {
    report.named_prompts.push_back({.name = prompt.name(), .text = prompt.text()});
  }
  if (wire.has_query_prompt()) report.query_prompt = to_prompt(wire.query_prompt());
  if (wire.has_document_prompt()) report.document_prompt = to_prompt(wire.document_prompt());
}

ModelReport to_report(const v1::ModelInfo& info, const v1::ModelHealth& health) {
  ModelReport report;
  report.names.assign(info.names().begin(), info.names().end());
  report.is_default = info.is_default();
  report.keep_alive = info.keep_alive();
  report.path = info.path();
  report.file_bytes = info.file_bytes();
  read_model(info, report);
  report.health = read_health(health);
  report.memory_bytes = health.memory_bytes();
  report.evictions = health.evictions();
  if (health.used_at_unix_ms() != 0) {
    report.used_at = SystemTime(milliseconds(health.used_at_unix_ms()));
  }
  return report;
}

}  // namespace

HealthReport to_report(const v1::HealthResponse& wire) {
  HealthReport report = read_health(wire);
  report.uptime_seconds = wire.uptime_seconds();
  return report;
}

InfoReport to_report(const v1::InfoResponse& wire) {
  InfoReport report;
  read_model(wire, report);
  report.daemon_version = wire.daemon_version();
  report.model_sha256 = wire.model_sha256();
  report.engine_reason = wire.engine_reason();
  report.previous_builtin = wire.previous_builtin();
  report.pooling = wire.pooling().name();
  report.pooling_source = wire.pooling().source();
  report.max_batch_size = wire.max_batch_size();
  report.pid = wire.pid();
  report.started_at = SystemTime(milliseconds(wire.started_at_unix_ms()));
  report.inherited.assign(wire.inherited().begin(), wire.inherited().end());
  for (const auto& value : wire.config()) {
    report.config.push_back({value.key(), value.value(), value.origin()});
  }
  return report;
}

std::vector<ModelReport> to_report(const v1::ListModelsResponse& wire) {
  std::vector<ModelReport> reports;
  for (int i = 0; i < std::min(wire.models_size(), wire.health_size()); ++i) {
    reports.push_back(to_report(wire.models(i), wire.health(i)));
  }
  return reports;
}

ReloadReport to_report(const v1::ReloadResponse& wire) {
  return {.changed = {wire.changed().begin(), wire.changed().end()},
          .needs_start = {wire.needs_start().begin(), wire.needs_start().end()}};
}

}  // namespace runed::client
