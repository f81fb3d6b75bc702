#include "daemon/wire.hpp"

#include <chrono>

namespace runed::daemon {
namespace {

// The option fields are the same in each.
template <typename Request>
Result<EmbedOptions> read_options_of(const Request& request) {
  EmbedOptions options;
  switch (request.input_type()) {
    case v1::INPUT_TYPE_UNSPECIFIED:
      break;
    case v1::INPUT_TYPE_DOCUMENT:
      options.input_type = InputType::document;
      break;
    case v1::INPUT_TYPE_QUERY:
      options.input_type = InputType::query;
      break;
    default:
      return make_error(ErrorCode::invalid_argument, "unknown input type {}",
                        static_cast<int>(request.input_type()));
  }
  switch (request.truncate()) {
    case v1::TRUNCATE_ERROR:
      break;
    case v1::TRUNCATE_RIGHT:
      options.truncate = Truncate::right;
      break;
    case v1::TRUNCATE_LEFT:
      options.truncate = Truncate::left;
      break;
    default:
      return make_error(ErrorCode::invalid_argument, "unknown truncation {}",
                        static_cast<int>(request.truncate()));
  }
  options.instruction = request.instruction();
  options.dimensions = request.dimensions();
  return options;
}

}  // namespace

v1::HealthResponse::Status to_wire(Serving serving) {
  switch (serving) {
    case Serving::loading:
      return v1::HealthResponse::STATUS_LOADING;
    case Serving::ok:
      return v1::HealthResponse::STATUS_OK;
    case Serving::idle:
      return v1::HealthResponse::STATUS_IDLE;
    case Serving::degraded:
      return v1::HealthResponse::STATUS_DEGRADED;
    case Serving::shutting_down:
      return v1::HealthResponse::STATUS_SHUTTING_DOWN;
  }
  return v1::HealthResponse::STATUS_UNSPECIFIED;
}

v1::HealthResponse::Phase to_wire(Phase phase) {
  switch (phase) {
    case Phase::none:
      return v1::HealthResponse::PHASE_UNSPECIFIED;
    case Phase::fetching_llama_server:
      return v1::HealthResponse::PHASE_FETCHING_LLAMA_SERVER;
    case Phase::fetching_model:
      return v1::HealthResponse::PHASE_FETCHING_MODEL;
    case Phase::starting_engine:
      return v1::HealthResponse::PHASE_STARTING_LLAMA_SERVER;
  }
  return v1::HealthResponse::PHASE_UNSPECIFIED;
}

void fill(const LoadStatistics& load, v1::LoadStatistics& message) {
  message.set_passes(load.passes);
  message.set_pass_texts(load.pass_texts);
  message.set_pass_tokens(load.pass_tokens);
  message.set_pass_microseconds(
      std::chrono::duration_cast<std::chrono::microseconds>(load.pass_time).count());
  message.set_cached_texts(load.cached_texts);
  message.set_shared_texts(load.shared_texts);
  message.set_refused_calls(load.refused_calls);
  message.set_cancelled_calls(load.cancelled_calls);
  message.set_tokens_per_second(load.tokens_per_second);
  message.mutable_wait_counts()->Assign(load.wait_counts.begin(), load.wait_counts.end());
  message.mutable_pass_text_counts()->Assign(load.pass_text_counts.begin(),
                                             load.pass_text_counts.end());
}

void fill(const Embedding& embedding, const CentroidSet* route, v1::EmbedResponse& response) {
  response.mutable_vector()->Assign(embedding.vector.begin(), embedding.vector.end());
  response.set_token_count(embedding.token_count);
  response.set_tokens_dropped(embedding.tokens_dropped);
  if (route == nullptr) return;
  response.set_cluster_id(embedding.cluster_id);
  response.set_centroid_set_version(route->version());
}

Result<EmbedOptions> read_options(const v1::EmbedRequest& request) {
  return read_options_of(request);
}

Result<EmbedOptions> read_options(const v1::EmbedBatchRequest& request) {
  return read_options_of(request);
}

Result<EmbedOptions> read_options(const v1::EmbedOptions& options) {
  return read_options_of(options);
}

}  // namespace runed::daemon
