#include "daemon/grpc/info_reply.hpp"

#include <chrono>

#include "base/duration.hpp"
#include "daemon/grpc/embed_call.hpp"
#include "daemon/grpc/wire.hpp"
#include "os/process/process.hpp"

namespace runed::daemon {
namespace {

constexpr uint32_t kApiVersion = 1;

template <typename Duration>
int64_t unix_ms(Duration since_epoch) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(since_epoch).count();
}

std::string keep_alive_of(const ModelDescription& description) {
  if (description.is_kept) return "always";
  if (description.idle_timeout.count() <= 0) return "no limit";
  if (description.idle_timeout < std::chrono::milliseconds(1)) return "0";
  return format_duration(description.idle_timeout);
}

// What both say of a model that was loaded once; their fields have the same names.
template <typename Message>
void fill_model(const embed::ModelInfo& model, Message& message) {
  message.set_model_identity(embed::model_identity(model.model_sha256));
  const bool has_vectors = model.spec.head == embed::Head::none;
  message.set_vector_dim(has_vectors ? static_cast<int>(model.dimension) : 0);
  message.set_max_tokens(static_cast<int>(model.max_tokens));
  message.set_max_tokens_source(model.max_tokens_source);
  message.set_max_batch_size(static_cast<int>(max_batch_size(model.dimension)));
  message.set_model_name(model.model_name);
  message.set_model_sha256(model.model_sha256);
  message.set_engine(model.engine);
  message.set_engine_version(model.version);
  message.set_compute(model.compute);
  message.set_kernel(model.kernel);
  fill(model.spec, message);
}

template <typename Message>
void fill_state(const ModelHealth& health, Message& message) {
  const StateSnapshot& state = health.state;
  message.set_status(to_wire(state.serving));
  message.set_phase(to_wire(state.phase));
  message.set_bytes_done(state.bytes_done);
  message.set_bytes_total(state.bytes_total);
  message.set_message(state.message);
  if (state.reason.has_value()) message.set_reason(std::string(name_of(*state.reason)));
  message.set_since_unix_ms(unix_ms(state.since.time_since_epoch()));
  message.set_restarts(health.restarts);
  message.set_queue_tokens(health.queue_tokens);
  if (!health.load.has_value()) return;
  fill(*health.load, *message.mutable_load());
  message.mutable_load()->set_cache_bytes(static_cast<int64_t>(health.cache_bytes));
}

}  // namespace

void fill(const Info& info, v1::InfoResponse& response) {
  response.set_daemon_version(info.service.daemon_version);
  response.set_pid(os::process_id());
  response.set_started_at_unix_ms(unix_ms(info.started_at.time_since_epoch()));
  response.set_api_version(kApiVersion);
  for (const std::string& each : info.service.inherited) response.add_inherited(each);
  for (const auto& value : info.service.config) {
    auto* wire = response.add_config();
    wire->set_key(value.key);
    wire->set_value(value.value);
    wire->set_origin(value.origin);
  }
  const ModelDescription& asked = info.model;
  response.set_variant(asked.variant);
  response.set_previous_builtin(asked.previous_builtin);
  response.set_engine_reason(asked.engine_reason);
  if (asked.centroids != nullptr) response.set_centroid_set_version(asked.centroids->version());
  if (asked.model != nullptr) {
    fill_model(*asked.model, response);
    response.set_max_text_length(response.max_tokens());
  }
  for (const ModelDescription& model : info.models) fill(model, *response.add_models());
}

void fill(const Health& health, v1::HealthResponse& response) {
  fill_state(health.model, response);
  response.set_uptime_seconds(
      std::chrono::duration_cast<std::chrono::seconds>(health.uptime).count());
  response.set_total_requests(health.admitted_calls);
  response.set_memory_bytes(static_cast<int64_t>(health.memory_bytes));
  response.set_memory_budget_bytes(static_cast<int64_t>(health.memory_budget_bytes));
  for (const ModelHealth& model : health.models) fill(model, *response.add_models());
}

void fill(const ModelDescription& description, v1::ModelInfo& message) {
  for (const std::string& name : description.names) message.add_names(name);
  message.set_is_default(description.is_default);
  message.set_keep_alive(keep_alive_of(description));
  message.set_variant(description.variant);
  message.set_path(description.path);
  message.set_file_bytes(static_cast<int64_t>(description.file_bytes));
  message.set_engine_reason(description.engine_reason);
  if (description.centroids != nullptr) {
    message.set_centroid_set_version(description.centroids->version());
  }
  if (description.model != nullptr) fill_model(*description.model, message);
}

void fill(const ModelHealth& health, v1::ModelHealth& message) {
  message.set_name(health.name);
  fill_state(health, message);
  message.set_total_requests(health.admitted_calls);
  message.set_memory_bytes(static_cast<int64_t>(health.memory_bytes));
  message.set_evictions(health.evictions);
  if (health.used_at.has_value()) {
    message.set_used_at_unix_ms(unix_ms(health.used_at->time_since_epoch()));
  }
}

}  // namespace runed::daemon
