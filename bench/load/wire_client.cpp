#include "wire_client.hpp"

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <grpcpp/create_channel.h>

#include "client/error_status.hpp"
#include "runed/v1/runed.grpc.pb.h"

namespace runed::bench {
namespace {

using std::chrono::seconds;

constexpr seconds kEmbedDeadline{180};  // Past everything that the daemon waits for itself.
constexpr seconds kControlDeadline{10};

void set_deadline(grpc::ClientContext& context, seconds timeout) {
  context.set_deadline(std::chrono::system_clock::now() + timeout);
  context.set_wait_for_ready(true);
}

}  // namespace

struct WireClient::Connection {
  std::shared_ptr<grpc::Channel> channel;
  std::unique_ptr<v1::RunedService::Stub> stub;
};

WireClient::WireClient(const std::string& socket_path)
    : connection_(std::make_unique<Connection>()) {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(-1);
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);  // Else all share one connection.
  connection_->channel = grpc::CreateCustomChannel("unix:" + socket_path,
                                                   grpc::InsecureChannelCredentials(), arguments);
  connection_->stub = v1::RunedService::NewStub(connection_->channel);
}

WireClient::~WireClient() = default;

Result<std::vector<Answer>> WireClient::embed(const std::vector<std::string>& texts) {
  grpc::ClientContext context;
  set_deadline(context, kEmbedDeadline);
  v1::EmbedBatchRequest request;
  for (const std::string& text : texts) request.add_texts(text);
  v1::EmbedBatchResponse response;
  const grpc::Status status = connection_->stub->EmbedBatch(&context, request, &response);
  if (!status.ok()) return client::to_error(status);
  std::vector<Answer> answers;
  for (const auto& wire : response.embeddings()) {
    answers.push_back({{wire.vector().begin(), wire.vector().end()}, wire.token_count()});
  }
  return answers;
}

Result<Health> WireClient::health() {
  grpc::ClientContext context;
  set_deadline(context, kControlDeadline);
  v1::HealthResponse response;
  const grpc::Status status = connection_->stub->Health(&context, {}, &response);
  if (!status.ok()) return client::to_error(status);
  return Health{response.status(), response.restarts(), response.queue_tokens()};
}

Result<int> WireClient::daemon_pid() {
  grpc::ClientContext context;
  set_deadline(context, kControlDeadline);
  v1::InfoResponse response;
  const grpc::Status status = connection_->stub->Info(&context, {}, &response);
  if (!status.ok()) return client::to_error(status);
  return response.pid();
}

}  // namespace runed::bench
