#include "daemon/grpc/service.hpp"

#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/server_callback.h>

#include <chrono>
#include <exception>
#include <utility>

#include "daemon/grpc/embed_call.hpp"
#include "daemon/grpc/embed_stream_call.hpp"
#include "daemon/grpc/error_status.hpp"
#include "daemon/grpc/message_bytes.hpp"
#include "daemon/grpc/set_centroids_call.hpp"
#include "daemon/grpc/wire.hpp"
#include "os/process/process.hpp"
#include "runed/v1/raw.pb.h"
#include "runed/v1/runed.grpc.pb.h"

namespace runed::daemon {
namespace {

namespace raw = v1::raw;

constexpr uint32_t kApiVersion = 1;

template <typename Duration>
int64_t unix_ms(Duration since_epoch) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(since_epoch).count();
}

void write(const Info& info, v1::InfoResponse& response) {
  response.set_daemon_version(info.service.daemon_version);
  response.set_pid(os::process_id());
  response.set_started_at_unix_ms(unix_ms(info.started_at.time_since_epoch()));
  response.set_api_version(kApiVersion);
  response.set_variant(info.variant);
  response.set_engine_reason(info.engine_reason);
  for (const std::string& each : info.service.inherited) response.add_inherited(each);
  for (const auto& value : info.service.config) {
    auto* wire = response.add_config();
    wire->set_key(value.key);
    wire->set_value(value.value);
    wire->set_origin(value.origin);
  }
  if (info.centroids != nullptr) response.set_centroid_set_version(info.centroids->version());
  if (info.model == nullptr) return;
  const embed::ModelInfo& model = *info.model;
  response.set_model_identity(embed::model_identity(model.model_sha256));
  response.set_vector_dim(static_cast<int>(model.dimension));
  response.set_max_text_length(static_cast<int>(model.max_tokens));
  response.set_max_tokens(static_cast<int>(model.max_tokens));
  response.set_max_batch_size(static_cast<int>(max_batch_size(model.dimension)));
  response.set_model_name(model.model_name);
  response.set_model_sha256(model.model_sha256);
  response.set_engine(model.engine);
  response.set_engine_version(model.version);
  response.set_compute(model.compute);
  response.set_kernel(model.kernel);
  fill(model.spec, response);
}

void write(const Health& health, v1::HealthResponse& response) {
  const StateSnapshot& state = health.state;
  response.set_status(to_wire(state.serving));
  response.set_uptime_seconds(
      std::chrono::duration_cast<std::chrono::seconds>(health.uptime).count());
  response.set_total_requests(health.admitted_calls);
  response.set_phase(to_wire(state.phase));
  response.set_bytes_done(state.bytes_done);
  response.set_bytes_total(state.bytes_total);
  response.set_message(state.message);
  if (state.reason.has_value()) response.set_reason(std::string(name_of(*state.reason)));
  response.set_since_unix_ms(unix_ms(state.since.time_since_epoch()));
  response.set_restarts(health.restarts);
  response.set_queue_tokens(health.queue_tokens);
  if (!health.load.has_value()) return;
  fill(*health.load, *response.mutable_load());
  response.mutable_load()->set_cache_bytes(static_cast<int64_t>(health.cache_bytes));
}

// Messages are taken as bytes and read here: gRPC knows the published ones, of which it could not read
// one with a text that is not UTF-8, and to one that it cannot read it answers UNIMPLEMENTED, from
// which a client learns that this daemon is too old, or as if a stream had ended.
using Rpc = v1::RunedService;
using Streams =
    Rpc::WithRawCallbackMethod_SetCentroids<Rpc::WithRawCallbackMethod_EmbedStream<Rpc::Service>>;
using EmbedCalls = Rpc::WithRawCallbackMethod_Embed<Rpc::WithRawCallbackMethod_EmbedBatch<Streams>>;
using ServiceBase = Rpc::WithRawCallbackMethod_Info<
    Rpc::WithRawCallbackMethod_Health<Rpc::WithRawCallbackMethod_Shutdown<EmbedCalls>>>;
using grpc::ByteBuffer;
using grpc::CallbackServerContext;

// Answers a call at once. The last catch of such a call.
template <typename Request, typename Response, typename Fill>
grpc::ServerUnaryReactor* answer(CallbackServerContext& context, const ByteBuffer& bytes,
                                 ByteBuffer& reply, const Fill& fill_response) {
  const auto run = [&]() -> Status {
    Request request;
    TRY(read_message(bytes, request));
    Response response;
    fill_response(request, response);
    escape_texts(response);
    write_message(response, reply);
    return {};
  };
  try {
    const Status answered = run();
    grpc::Status status = answered ? grpc::Status::OK : to_status(answered.error());
    auto* reactor = context.DefaultReactor();
    reactor->Finish(std::move(status));
    return reactor;
  } catch (const std::exception&) {
    return finish_lost(context);
  }
}

class Service final : public ServiceBase {
 public:
  explicit Service(Api& api) : api_(api), set_centroids_calls_(api) {}

  grpc::ServerUnaryReactor* Embed(CallbackServerContext* context, const ByteBuffer* request,
                                  ByteBuffer* reply) override {
    return start_embed(api_, *context, *request, *reply);
  }

  grpc::ServerUnaryReactor* EmbedBatch(CallbackServerContext* context, const ByteBuffer* request,
                                       ByteBuffer* reply) override {
    return start_embed_batch(api_, *context, *request, *reply);
  }

  grpc::ServerBidiReactor<ByteBuffer, ByteBuffer>* EmbedStream(
      CallbackServerContext* /*context*/) override {
    return start_embed_stream(api_);
  }

  grpc::ServerUnaryReactor* Info(CallbackServerContext* context, const ByteBuffer* request,
                                 ByteBuffer* reply) override {
    return answer<raw::InfoRequest, v1::InfoResponse>(
        *context, *request, *reply,
        [this](const auto& /*request*/, auto& response) { write(api_.info(), response); });
  }

  grpc::ServerUnaryReactor* Health(CallbackServerContext* context, const ByteBuffer* request,
                                   ByteBuffer* reply) override {
    return answer<raw::HealthRequest, v1::HealthResponse>(
        *context, *request, *reply,
        [this](const auto& /*request*/, auto& response) { write(api_.health(), response); });
  }

  grpc::ServerUnaryReactor* Shutdown(CallbackServerContext* context, const ByteBuffer* request,
                                     ByteBuffer* reply) override {
    return answer<raw::ShutdownRequest, v1::ShutdownResponse>(
        *context, *request, *reply, [this](const auto& asked, auto& response) {
          response.set_accepted(true);
          api_.stop(asked.grace_seconds());
        });
  }

  grpc::ServerReadReactor<ByteBuffer>* SetCentroids(CallbackServerContext* /*context*/,
                                                    ByteBuffer* reply) override {
    return set_centroids_calls_.start(*reply);
  }

 private:
  Api& api_;
  SetCentroidsCalls set_centroids_calls_;
};

}  // namespace

std::unique_ptr<grpc::Service> make_service(Api& api) {
  return std::make_unique<Service>(api);
}

}  // namespace runed::daemon
