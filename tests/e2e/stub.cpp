#include "stub.hpp"

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <grpcpp/create_channel.h>

#include "support/catch.hpp"

namespace runed::test {

std::unique_ptr<Stub> connect(const Home& home) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  return v1::RunedService::NewStub(grpc::CreateCustomChannel(
      "unix:" + (home / "embedding.sock"), grpc::InsecureChannelCredentials(), arguments));
}

v1::HealthResponse health(Stub& stub) {
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(10));
  v1::HealthResponse response;
  REQUIRE(stub.Health(&context, {}, &response).ok());
  return response;
}

google::rpc::ErrorInfo info_of(const google::rpc::Status& error) {
  google::rpc::ErrorInfo info;
  REQUIRE(error.details_size() > 0);
  REQUIRE(error.details(0).UnpackTo(&info));
  return info;
}

google::rpc::ErrorInfo info_of(const grpc::Status& status) {
  google::rpc::Status details;
  REQUIRE(details.ParseFromString(status.error_details()));
  return info_of(details);
}

std::vector<float> vector_of(const v1::EmbedResponse& response) {
  return {response.vector().begin(), response.vector().end()};
}

}  // namespace runed::test
