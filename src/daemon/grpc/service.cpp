#include "daemon/grpc/service.hpp"

#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/server_callback.h>

#include <exception>
#include <utility>

#include "daemon/grpc/embed_call.hpp"
#include "daemon/grpc/embed_stream_call.hpp"
#include "daemon/grpc/error_status.hpp"
#include "daemon/grpc/info_reply.hpp"
#include "daemon/grpc/load_model_call.hpp"
#include "daemon/grpc/message_bytes.hpp"
#include "daemon/grpc/rerank_call.hpp"
#include "daemon/grpc/set_centroids_call.hpp"
#include "daemon/grpc/wire.hpp"
#include "runed/v1/raw.pb.h"
#include "runed/v1/runed.grpc.pb.h"

namespace runed::daemon {
namespace {

namespace raw = v1::raw;

// Messages are taken as bytes and read here: gRPC knows the published ones, of which it could not read
// one with a text that is not UTF-8, and to one that it cannot read it answers UNIMPLEMENTED, from
// which a client learns that this daemon is too old, or as if a stream had ended.
using Rpc = v1::RunedService;
using Streams =
    Rpc::WithRawCallbackMethod_SetCentroids<Rpc::WithRawCallbackMethod_EmbedStream<Rpc::Service>>;
using EmbedCalls = Rpc::WithRawCallbackMethod_Embed<
    Rpc::WithRawCallbackMethod_EmbedBatch<Rpc::WithRawCallbackMethod_Rerank<Streams>>>;
using ModelCalls = Rpc::WithRawCallbackMethod_ListModels<Rpc::WithRawCallbackMethod_LoadModel<
    Rpc::WithRawCallbackMethod_UnloadModel<Rpc::WithRawCallbackMethod_Reload<EmbedCalls>>>>;
using ServiceBase = Rpc::WithRawCallbackMethod_Info<
    Rpc::WithRawCallbackMethod_Health<Rpc::WithRawCallbackMethod_Shutdown<ModelCalls>>>;
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
    TRY(fill_response(request, response));
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

  grpc::ServerUnaryReactor* Rerank(CallbackServerContext* context, const ByteBuffer* request,
                                   ByteBuffer* reply) override {
    return start_rerank(api_, *context, *request, *reply);
  }

  grpc::ServerBidiReactor<ByteBuffer, ByteBuffer>* EmbedStream(
      CallbackServerContext* /*context*/) override {
    return start_embed_stream(api_);
  }

  grpc::ServerUnaryReactor* Info(CallbackServerContext* context, const ByteBuffer* request,
                                 ByteBuffer* reply) override {
    return answer<raw::InfoRequest, v1::InfoResponse>(
        *context, *request, *reply, [this](const auto& asked, auto& response) -> Status {
          TRY_ASSIGN(const auto info, api_.info(asked.model()));
          fill(info, response);
          return {};
        });
  }

  grpc::ServerUnaryReactor* Health(CallbackServerContext* context, const ByteBuffer* request,
                                   ByteBuffer* reply) override {
    return answer<raw::HealthRequest, v1::HealthResponse>(
        *context, *request, *reply, [this](const auto& asked, auto& response) -> Status {
          TRY_ASSIGN(const auto health, api_.health(asked.model()));
          fill(health, response);
          return {};
        });
  }

  grpc::ServerUnaryReactor* Shutdown(CallbackServerContext* context, const ByteBuffer* request,
                                     ByteBuffer* reply) override {
    return answer<raw::ShutdownRequest, v1::ShutdownResponse>(
        *context, *request, *reply, [this](const auto& asked, auto& response) -> Status {
          response.set_accepted(true);
          api_.stop(asked.grace_seconds());
          return {};
        });
  }

  grpc::ServerUnaryReactor* ListModels(CallbackServerContext* context, const ByteBuffer* request,
                                       ByteBuffer* reply) override {
    return answer<raw::ListModelsRequest, v1::ListModelsResponse>(
        *context, *request, *reply, [this](const auto& /*asked*/, auto& response) -> Status {
          TRY_ASSIGN(const auto info, api_.info({}));
          TRY_ASSIGN(const auto health, api_.health({}));
          for (const ModelDescription& model : info.models) fill(model, *response.add_models());
          for (const ModelHealth& model : health.models) fill(model, *response.add_health());
          return {};
        });
  }

  grpc::ServerUnaryReactor* LoadModel(CallbackServerContext* context, const ByteBuffer* request,
                                      ByteBuffer* reply) override {
    return start_load_model(api_, *context, *request, *reply);
  }

  grpc::ServerUnaryReactor* UnloadModel(CallbackServerContext* context, const ByteBuffer* request,
                                        ByteBuffer* reply) override {
    return answer<raw::UnloadModelRequest, v1::UnloadModelResponse>(
        *context, *request, *reply, [this](const auto& asked, auto& response) -> Status {
          TRY_ASSIGN(const auto model, api_.unload_model(asked.name()));
          fill(model, *response.mutable_model());
          return {};
        });
  }

  grpc::ServerUnaryReactor* Reload(CallbackServerContext* context, const ByteBuffer* request,
                                   ByteBuffer* reply) override {
    return answer<raw::ReloadRequest, v1::ReloadResponse>(
        *context, *request, *reply, [this](const auto& /*asked*/, auto& response) -> Status {
          TRY_ASSIGN(const auto reloaded, api_.reload());
          for (const std::string& each : reloaded.changed) response.add_changed(each);
          for (const std::string& each : reloaded.needs_start) response.add_needs_start(each);
          return {};
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
