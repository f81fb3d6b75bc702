#include "load_echo.hpp"

#include <fmt/format.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <grpcpp/server_posix.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <vector>

#include "os/net/poll.hpp"
#include "os/net/unix_socket.hpp"
#include "os/process/process.hpp"
#include "runed/v1/runed.grpc.pb.h"

namespace runed::bench {
namespace {

namespace fs = std::filesystem;

constexpr int kMostRequestBytes = 64 << 20;  // As the daemon's.

// Words stand for tokens. The signs of the first floats are a hash of the text, so that an answer
// tells which text it is for.
class Answerer {
 public:
  explicit Answerer(uint32_t dimension)
      : vector_(dimension, 1 / std::sqrt(static_cast<float>(dimension))) {}

  size_t dimension() const { return vector_.size(); }

  void answer(const std::string& text, v1::EmbedResponse& response) const {
    auto* vector = response.mutable_vector();
    vector->Assign(vector_.begin(), vector_.end());
    size_t bits = std::hash<std::string>()(text);
    for (int i = 0; i < std::min(vector->size(), 64); ++i, bits >>= 1) {
      if (bits % 2 == 1) (*vector)[i] = -(*vector)[i];
    }
    response.set_token_count(static_cast<uint32_t>(2 + std::ranges::count(text, ' ')));
  }

 private:
  const std::vector<float> vector_;
};

// Answers each text before it reads the next one.
class EchoStream final
    : public grpc::ServerBidiReactor<v1::EmbedStreamRequest, v1::EmbedStreamResponse> {
 public:
  explicit EchoStream(const Answerer& answerer) : answerer_(answerer) { StartRead(&request_); }

 private:
  void OnReadDone(bool ok) override {
    if (!ok) {
      Finish(grpc::Status::OK);
    } else if (!request_.has_item()) {
      StartRead(&request_);
    } else {
      response_.set_id(request_.item().id());
      answerer_.answer(request_.item().text(), *response_.mutable_embedding());
      StartWrite(&response_);
    }
  }

  void OnWriteDone(bool ok) override {
    if (ok) {
      StartRead(&request_);
    } else {
      Finish(grpc::Status::CANCELLED);
    }
  }

  void OnDone() override { delete this; }

  const Answerer& answerer_;
  v1::EmbedStreamRequest request_;
  v1::EmbedStreamResponse response_;
};

class EchoService final : public v1::RunedService::CallbackService {
 public:
  explicit EchoService(uint32_t dimension) : answerer_(dimension) {}

 private:
  grpc::ServerUnaryReactor* Embed(grpc::CallbackServerContext* context,
                                  const v1::EmbedRequest* request,
                                  v1::EmbedResponse* response) override {
    answerer_.answer(request->text(), *response);
    return finish(context);
  }

  grpc::ServerUnaryReactor* EmbedBatch(grpc::CallbackServerContext* context,
                                       const v1::EmbedBatchRequest* request,
                                       v1::EmbedBatchResponse* response) override {
    for (const std::string& text : request->texts()) {
      answerer_.answer(text, *response->add_embeddings());
    }
    return finish(context);
  }

  grpc::ServerUnaryReactor* Info(grpc::CallbackServerContext* context, const v1::InfoRequest*,
                                 v1::InfoResponse* response) override {
    response->set_pid(os::process_id());
    response->set_vector_dim(static_cast<int>(answerer_.dimension()));
    return finish(context);
  }

  grpc::ServerUnaryReactor* Health(grpc::CallbackServerContext* context, const v1::HealthRequest*,
                                   v1::HealthResponse* response) override {
    response->set_status(v1::HealthResponse::STATUS_OK);
    return finish(context);
  }

  grpc::ServerBidiReactor<v1::EmbedStreamRequest, v1::EmbedStreamResponse>* EmbedStream(
      grpc::CallbackServerContext* /*context*/) override {
    return new EchoStream(answerer_);
  }

  static grpc::ServerUnaryReactor* finish(grpc::CallbackServerContext* context) {
    auto* reactor = context->DefaultReactor();
    reactor->Finish(grpc::Status::OK);
    return reactor;
  }

  const Answerer answerer_;
};

}  // namespace

Status run_echo_server(const std::string& path, uint32_t dimension) {
  EchoService service(dimension);
  grpc::ServerBuilder builder;
  builder.SetMaxReceiveMessageSize(kMostRequestBytes);
  builder.RegisterService(&service);
  const auto server = builder.BuildAndStart();
  TRY_ASSIGN(os::UnixListener listener, os::UnixListener::listen(path));
  while (true) {
    os::wait_readable(listener.fd(), std::chrono::minutes(1));
    while (true) {
      TRY_ASSIGN(std::optional<os::Fd> connection, listener.accept());
      if (!connection.has_value()) break;
      grpc::AddInsecureChannelFromFd(server.get(), connection->release());
    }
  }
}

Result<std::unique_ptr<EchoServer>> EchoServer::start(uint32_t dimension) {
  std::string directory = (fs::temp_directory_path() / "runed-echo-XXXXXX").string();
  if (::mkdtemp(directory.data()) == nullptr) {
    return make_error(ErrorCode::io, "cannot create '{}'", directory);
  }
  const std::string socket = directory + "/echo.sock";
  TRY_ASSIGN(const std::string program, os::executable_path());
  TRY_ASSIGN(os::Child child,
             os::Child::spawn({.arguments = {program, "--echo-server", socket, "--dimension",
                                             std::to_string(dimension)},
                               .dies_with_parent = true,
                               .stderr_fd = os::kStderr}));
  return std::unique_ptr<EchoServer>(
      new EchoServer(std::move(child), std::move(directory), socket));
}

EchoServer::~EchoServer() {
  std::error_code ignored;
  fs::remove_all(directory_, ignored);
}

}  // namespace runed::bench
