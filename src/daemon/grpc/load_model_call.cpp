#include "daemon/grpc/load_model_call.hpp"

#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/server_callback.h>

#include <exception>
#include <memory>
#include <utility>

#include "base/duration.hpp"
#include "base/text.hpp"
#include "daemon/api/api.hpp"
#include "daemon/grpc/error_status.hpp"
#include "daemon/grpc/info_reply.hpp"
#include "daemon/grpc/message_bytes.hpp"
#include "daemon/grpc/wire.hpp"

namespace runed::daemon {
namespace {

namespace raw = v1::raw;

Result<LoadRequest> read_request(const grpc::ByteBuffer& bytes) {
  raw::LoadModelRequest message;
  TRY(read_message(bytes, message));
  TRY(check_utf8("name", message.name()));
  TRY(check_utf8("keep_alive", message.keep_alive()));
  if (!message.name().empty() && !message.path().empty()) {
    return make_error(ErrorCode::invalid_argument, "a model is named by its name or by its path")
        .with_hint("leave one of the two out");
  }
  if (!message.path().empty() && !message.path().starts_with('/')) {
    return make_error(ErrorCode::invalid_argument, "the path '{}' is not absolute",
                      printable(message.path()))
        .with_hint("the daemon has a working directory of its own: give the path from the root");
  }
  LoadRequest request{.name = message.name(), .path = message.path(), .idle_timeout = {}};
  if (message.keep_alive().empty()) return request;
  auto keep_alive = parse_duration(message.keep_alive());
  if (!keep_alive || keep_alive->count() < 0) {
    return make_error(ErrorCode::invalid_argument, "keep_alive '{}' is not a duration",
                      printable(message.keep_alive()))
        .with_hint("write it like 30s or 1h30m; 0: until nobody waits for the model");
  }
  request.idle_timeout = std::max(*keep_alive, kShortestIdle);
  return request;
}

// One call. gRPC keeps it until OnDone, which follows Finish; Finish is called once, by the answer.
class LoadModelCall final : public grpc::ServerUnaryReactor {
 public:
  explicit LoadModelCall(grpc::ByteBuffer& reply) : reply_(reply) {}

  Answer<ModelDescription> make_answer() {
    return Answer<ModelDescription>(std::make_unique<ToCaller>(*this));
  }

 private:
  class ToCaller final : public Receiver<ModelDescription> {
   public:
    explicit ToCaller(LoadModelCall& call) : call_(call) {}

    void receive(Result<ModelDescription> result) override { call_.reply(result); }
    void drop() noexcept override { call_.Finish(std::move(call_.lost_)); }

   private:
    LoadModelCall& call_;
  };

  void reply(const Result<ModelDescription>& loaded) {
    grpc::Status status;
    if (loaded) {
      v1::LoadModelResponse response;
      fill(*loaded, *response.mutable_model());
      escape_texts(response);
      write_message(response, reply_);
    } else {
      status = to_status(loaded.error());
    }
    Finish(std::move(status));
  }

  void OnDone() override { delete this; }

  grpc::ByteBuffer& reply_;
  grpc::Status lost_ = lost_status();
};

}  // namespace

// The last catch of a call, as that of EmbedCall.
grpc::ServerUnaryReactor* start_load_model(Api& api, grpc::CallbackServerContext& context,
                                           const grpc::ByteBuffer& request,
                                           grpc::ByteBuffer& reply) {
  LoadModelCall* started = nullptr;
  try {
    auto call = std::make_unique<LoadModelCall>(reply);
    Answer<ModelDescription> answer = call->make_answer();
    started = call.release();
    auto read = read_request(request);
    if (read) {
      api.load_model(*std::move(read), std::move(answer));
    } else {
      answer.give(std::move(read).error());
    }
  } catch (const std::exception&) {
  }
  return started != nullptr ? started : finish_lost(context);
}

}  // namespace runed::daemon
