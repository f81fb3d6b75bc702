#include "daemon/grpc/service.hpp"

#include <algorithm>
#include <atomic>
#include <exception>
#include <iterator>
#include <utility>

#include "daemon/api/admission.hpp"
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
constexpr uint32_t kMostTextsOfABatch = 1024;
constexpr uint32_t kReplyBytes = 4 << 20;     // gRPC's default receive limit.
constexpr uint32_t kReplyOverhead = 1 << 10;  // Of the message.
// Of one embedding: tags, counts, a set's version.
constexpr uint32_t kEmbeddingOverhead = 32 + kMostVersionBytes;

template <typename Duration>
int64_t unix_ms(Duration since_epoch) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(since_epoch).count();
}

using Route = std::shared_ptr<const CentroidSet>;

void fill_reply(const std::vector<Embedding>& embeddings, const CentroidSet* route,
                v1::EmbedResponse& response) {
  fill(embeddings.front(), route, response);
}

void fill_reply(const std::vector<Embedding>& embeddings, const CentroidSet* route,
                v1::EmbedBatchResponse& response) {
  response.mutable_embeddings()->Reserve(static_cast<int>(embeddings.size()));
  for (const auto& embedding : embeddings) fill(embedding, route, *response.add_embeddings());
}

std::vector<std::string> take_texts(raw::EmbedRequest& request) {
  return {std::move(*request.mutable_text())};
}

std::vector<std::string> take_texts(raw::EmbedBatchRequest& request) {
  return {std::make_move_iterator(request.mutable_texts()->begin()),
          std::make_move_iterator(request.mutable_texts()->end())};
}

template <typename Request>
size_t count_texts(const grpc::ByteBuffer& bytes) {
  if constexpr (std::is_same_v<Request, raw::EmbedBatchRequest>) {
    return count_field(bytes, Request::kTextsFieldNumber);
  }
  return 1;
}

template <typename Response>
constexpr Priority kPriority = Priority::bulk;
template <>
constexpr Priority kPriority<v1::EmbedResponse> = Priority::interactive;

// Whatever is thrown, for want of memory, a call must be finished.
template <typename Step>
Status guarded(const Step& step) {
  try {
    return step();
  } catch (const std::exception& fault) {
    return make_error(ErrorCode::internal, "cannot answer: {}", fault.what());
  }
}

// One embedding call under way. gRPC keeps it until OnDone, which follows Finish; Finish is called
// once, by the job's answer.
template <typename Response>
class EmbedCall final : public grpc::ServerUnaryReactor {
 public:
  explicit EmbedCall(grpc::ByteBuffer* reply) : reply_(reply) {}

  void start(Scheduler& scheduler, std::vector<std::string> texts, EmbedOptions options,
             Route route) {
    route_ = std::move(route);
    scheduler.submit(
        {.texts = std::move(texts),
         .options = std::move(options),
         .priority = kPriority<Response>,
         .route = route_,
         .is_cancelled = [cancelled = cancelled_] { return cancelled->load(); },
         .done = [this](Result<std::vector<Embedding>> result) { answer(std::move(result)); }});
  }

  void fail(const Error& error) { Finish(to_status(error)); }

 private:
  void answer(Result<std::vector<Embedding>> result) {
    const Status answered = guarded([&]() -> Status {
      if (!result) return result.error();
      Response response;
      fill_reply(*result, route_.get(), response);
      write_message(response, *reply_);
      return {};
    });
    Finish(answered ? grpc::Status::OK : to_status(answered.error()));
  }

  void OnCancel() override { cancelled_->store(true); }
  void OnDone() override { delete this; }

  grpc::ByteBuffer* const reply_;
  Route route_;
  const std::shared_ptr<std::atomic<bool>> cancelled_ = std::make_shared<std::atomic<bool>>(false);
};

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

class Service final : public ServiceBase {
 public:
  Service(const ServiceParts& parts, ServiceInfo info, std::function<void(int)> request_stop)
      : state_(parts.state),
        admission_(parts.state, parts.centroids),
        scheduler_(parts.scheduler),
        streams_(parts.streams),
        centroids_(parts.centroids),
        set_centroids_calls_(parts.centroids, parts.state),
        clock_(parts.clock),
        log_(parts.log),
        info_(std::move(info)),
        request_stop_(std::move(request_stop)),
        started_(parts.clock.steady_now()),
        started_at_(parts.clock.system_now()) {}

  grpc::ServerUnaryReactor* Embed(CallbackServerContext* /*context*/, const ByteBuffer* request,
                                  ByteBuffer* reply) override {
    return start_call<raw::EmbedRequest, v1::EmbedResponse>(*request, reply);
  }

  grpc::ServerUnaryReactor* EmbedBatch(CallbackServerContext* /*context*/,
                                       const ByteBuffer* request, ByteBuffer* reply) override {
    return start_call<raw::EmbedBatchRequest, v1::EmbedBatchResponse>(*request, reply);
  }

  grpc::ServerBidiReactor<ByteBuffer, ByteBuffer>* EmbedStream(
      CallbackServerContext* /*context*/) override {
    return start_embed_stream(admission_, scheduler_, streams_);
  }

  grpc::ServerUnaryReactor* Info(CallbackServerContext* context, const ByteBuffer* request,
                                 ByteBuffer* reply) override {
    return answer(context, *request, reply, &Service::info);
  }

  grpc::ServerUnaryReactor* Health(CallbackServerContext* context, const ByteBuffer* request,
                                   ByteBuffer* reply) override {
    return answer(context, *request, reply, &Service::health);
  }

  grpc::ServerUnaryReactor* Shutdown(CallbackServerContext* context, const ByteBuffer* request,
                                     ByteBuffer* reply) override {
    return answer(context, *request, reply, &Service::shut_down);
  }

  grpc::ServerReadReactor<ByteBuffer>* SetCentroids(CallbackServerContext* /*context*/,
                                                    ByteBuffer* reply) override {
    return set_centroids_calls_.start(reply);
  }

 private:
  void info(const raw::InfoRequest& /*request*/, v1::InfoResponse* response) {
    response->set_daemon_version(info_.daemon_version);
    response->set_pid(os::process_id());
    response->set_started_at_unix_ms(unix_ms(started_at_.time_since_epoch()));
    response->set_api_version(kApiVersion);
    response->set_variant(state_.variant());
    response->set_engine_reason(state_.engine_reason());
    for (const std::string& each : info_.inherited) response->add_inherited(each);
    for (const auto& value : info_.config) {
      auto* wire = response->add_config();
      wire->set_key(value.key);
      wire->set_value(value.value);
      wire->set_origin(value.origin);
    }
    const auto model = state_.model();
    const auto centroids = model == nullptr ? centroids_.get() : centroids_.find(model->dimension);
    if (centroids != nullptr) response->set_centroid_set_version(centroids->version());
    if (model != nullptr) {
      response->set_model_identity(embed::model_identity(model->model_sha256));
      response->set_vector_dim(static_cast<int>(model->dimension));
      response->set_max_text_length(static_cast<int>(model->max_tokens));
      response->set_max_tokens(static_cast<int>(model->max_tokens));
      response->set_max_batch_size(static_cast<int>(max_batch_size(model->dimension)));
      response->set_model_name(model->model_name);
      response->set_model_sha256(model->model_sha256);
      response->set_engine(model->engine);
      response->set_engine_version(model->version);
      response->set_compute(model->compute);
      response->set_kernel(model->kernel);
      fill(model->card, *response);
    }
  }

  void health(const raw::HealthRequest& /*request*/, v1::HealthResponse* response) {
    const StateSnapshot state = state_.snapshot();
    response->set_status(to_wire(state.serving));
    response->set_uptime_seconds(
        std::chrono::duration_cast<std::chrono::seconds>(clock_.steady_now() - started_).count());
    response->set_total_requests(admission_.count());
    response->set_phase(to_wire(state.phase));
    response->set_bytes_done(state.bytes_done);
    response->set_bytes_total(state.bytes_total);
    response->set_message(state.message);
    if (state.reason.has_value()) response->set_reason(std::string(name_of(*state.reason)));
    response->set_since_unix_ms(unix_ms(state.since.time_since_epoch()));
    response->set_restarts(scheduler_.restarts());
    response->set_queue_tokens(scheduler_.queue_tokens());
    if (state.serving != Serving::shutting_down) {
      fill(scheduler_.load_statistics(), *response->mutable_load());
      response->mutable_load()->set_cache_bytes(static_cast<int64_t>(scheduler_.cache_bytes()));
    }
  }

  void shut_down(const raw::ShutdownRequest& request, v1::ShutdownResponse* response) {
    log_.info("received Shutdown RPC", {{"grace_seconds", request.grace_seconds()}});
    response->set_accepted(true);
    request_stop_(request.grace_seconds());
  }

  // Answers a call at once.
  template <typename Request, typename Response>
  grpc::ServerUnaryReactor* answer(CallbackServerContext* context, const ByteBuffer& bytes,
                                   ByteBuffer* reply,
                                   void (Service::*fill)(const Request&, Response*)) {
    const Status answered = guarded([&]() -> Status {
      Request request;
      TRY(read_message(bytes, request));
      Response response;
      (this->*fill)(request, &response);
      escape_texts(response);
      write_message(response, *reply);
      return {};
    });
    auto* reactor = context->DefaultReactor();
    reactor->Finish(answered ? grpc::Status::OK : to_status(answered.error()));
    return reactor;
  }

  template <typename Request, typename Response>
  grpc::ServerUnaryReactor* start_call(const ByteBuffer& bytes, ByteBuffer* reply) {
    auto* call = new EmbedCall<Response>(reply);
    Checked checked;
    const Status taken = guarded([&] { return check<Request>(bytes, checked); });
    if (!taken) {
      call->fail(taken.error());
    } else {  // One without texts, too: it wakes the model, as the predecessor's did.
      call->start(scheduler_, std::move(checked.texts), std::move(checked.options),
                  std::move(checked.route));
    }
    return call;
  }

  // What an embedding call asks for.
  struct Checked {
    std::vector<std::string> texts;
    EmbedOptions options;
    Route route;
  };

  template <typename Request>
  Status check(const ByteBuffer& bytes, Checked& checked) {
    TRY(check_size(bytes));
    const size_t texts = count_texts<Request>(bytes);
    if (texts > kMostTextsOfABatch) {  // Not even read: each would be an object.
      TRY(admission_.check_state());
      return check_batch_size(texts);
    }
    Request request;
    TRY(read_message(bytes, request));
    TRY_ASSIGN(checked.route, admission_.admit(request.with_route()));
    TRY_ASSIGN(checked.options, read_options(request));
    checked.texts = take_texts(request);
    return check_batch_size(texts);
  }

  Status check_batch_size(size_t texts) const {
    const uint32_t most = max_batch_size(state_.model()->dimension);
    if (texts <= most) return {};
    return make_error(ErrorCode::batch_too_large, "the batch has {} texts, {} are allowed", texts,
                      most)
        .with_detail("texts", std::to_string(texts))
        .with_detail("limit", std::to_string(most));
  }

  State& state_;
  Admission admission_;
  Scheduler& scheduler_;
  OpenStreams& streams_;
  Centroids& centroids_;
  SetCentroidsCalls set_centroids_calls_;
  const Clock& clock_;
  Log& log_;
  const ServiceInfo info_;
  const std::function<void(int)> request_stop_;
  const SteadyTime started_;
  const SystemTime started_at_;
};

}  // namespace

uint32_t max_batch_size(uint32_t dimension) {
  const uint32_t fitting =
      (kReplyBytes - kReplyOverhead) / (dimension * uint32_t{sizeof(float)} + kEmbeddingOverhead);
  return std::clamp(fitting, uint32_t{1}, kMostTextsOfABatch);
}

std::unique_ptr<grpc::Service> make_service(const ServiceParts& parts, ServiceInfo info,
                                            std::function<void(int)> request_stop) {
  return std::make_unique<Service>(parts, std::move(info), std::move(request_stop));
}

}  // namespace runed::daemon
