// A raw gRPC client, as the predecessor's are: no code of ours between it and the socket.
#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/generic/generic_stub.h>

#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "runed/v1/runed.grpc.pb.h"
#include "runed_process.hpp"
#include "support/result_matchers.hpp"

namespace v1 = runed::v1;
using runed::test::cosine;
using runed::test::Home;
using runed::test::kReferenceCosine;
using runed::test::reference_texts;
using runed::test::Running;

namespace {

struct RawClient {
  explicit RawClient(const Home& home)
      : channel(grpc::CreateChannel("unix:" + (home / "embedding.sock"),
                                    grpc::InsecureChannelCredentials())),
        stub(v1::RunedService::NewStub(channel)) {}

  std::shared_ptr<grpc::Channel> channel;
  std::unique_ptr<v1::RunedService::Stub> stub;
};

std::string reason_of(const grpc::Status& status) {
  google::rpc::Status details;
  google::rpc::ErrorInfo info;
  if (!details.ParseFromString(status.error_details()) || details.details_size() == 0 ||
      !details.details(0).UnpackTo(&info) || info.domain() != "runed.v1") {
    return "";
  }
  return info.reason();
}

// Calls a method by name with a serialised request.
grpc::Status call_raw(const RawClient& client, const std::string& method,
                      const std::string& request, std::string& reply) {
  grpc::GenericStub stub(client.channel);
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(10));
  grpc::CompletionQueue queue;
  const grpc::Slice slice(request);
  auto call = stub.PrepareUnaryCall(&context, method, grpc::ByteBuffer(&slice, 1), &queue);
  call->StartCall();
  grpc::ByteBuffer response;
  grpc::Status status;
  call->Finish(&response, &status, nullptr);
  void* tag = nullptr;
  bool ok = false;
  queue.Next(&tag, &ok);
  std::vector<grpc::Slice> slices;
  if (status.ok() && response.Dump(&slices).ok()) {
    for (const auto& part : slices)
      reply.append(reinterpret_cast<const char*>(part.begin()), part.size());
  }
  return status;
}

}  // namespace

TEST_CASE("an old client embeds a text", "[wire]") {
  Home home;
  const Running daemon = home.serve();
  const RawClient client(home);
  const auto& reference = reference_texts().front();
  v1::EmbedRequest request;
  request.set_text(reference.text);
  v1::EmbedResponse response;
  grpc::ClientContext context;
  REQUIRE(client.stub->Embed(&context, request, &response).ok());
  CHECK(cosine({response.vector().begin(), response.vector().end()}, reference.vector) >=
        kReferenceCosine);
  CHECK(response.cluster_id() == 0);
  CHECK(response.centroid_set_version().empty());
  CHECK(response.token_count() == reference.ids.size());
}

TEST_CASE("a batch is answered in its order, an empty one with nothing", "[wire]") {
  Home home;
  const Running daemon = home.serve();
  const RawClient client(home);
  v1::EmbedBatchRequest request;
  v1::EmbedBatchResponse response;
  {
    grpc::ClientContext context;
    REQUIRE(client.stub->EmbedBatch(&context, request, &response).ok());
    CHECK(response.embeddings_size() == 0);
  }
  for (const auto& reference : reference_texts()) request.add_texts(reference.text + "x");
  grpc::ClientContext context;
  REQUIRE(client.stub->EmbedBatch(&context, request, &response).ok());
  REQUIRE(response.embeddings_size() == request.texts_size());
}

TEST_CASE("limits are promises: a batch or a text beyond them is refused with its reason",
          "[wire]") {
  Home home;
  const Running daemon = home.serve();
  const RawClient client(home);
  v1::InfoResponse info;
  {
    grpc::ClientContext context;
    REQUIRE(client.stub->Info(&context, {}, &info).ok());
  }
  v1::EmbedBatchRequest request;
  v1::EmbedBatchResponse response;
  for (int i = 0; i < info.max_batch_size(); ++i) request.add_texts("a");
  {
    grpc::ClientContext context;
    const grpc::Status status = client.stub->EmbedBatch(&context, request, &response);
    CAPTURE(status.error_message());
    CHECK(status.ok());
  }
  request.add_texts("one too many");
  {
    grpc::ClientContext context;
    const grpc::Status status = client.stub->EmbedBatch(&context, request, &response);
    CHECK(status.error_code() == grpc::StatusCode::INVALID_ARGUMENT);
    CHECK(reason_of(status) == "BATCH_TOO_LARGE");
  }
  request.clear_texts();
  request.add_texts("short");
  std::string longest;
  for (int i = 0; i < 600; ++i) longest += "word ";
  request.add_texts(longest);
  {
    grpc::ClientContext context;
    const grpc::Status status = client.stub->EmbedBatch(&context, request, &response);
    CHECK(status.error_code() == grpc::StatusCode::INVALID_ARGUMENT);
    CHECK(reason_of(status) == "TEXT_TOO_LONG");
    CHECK(status.error_message().starts_with("text 1: "));
  }
  {
    v1::EmbedRequest empty;
    v1::EmbedResponse reply;
    grpc::ClientContext context;
    CHECK(reason_of(client.stub->Embed(&context, empty, &reply)) == "EMPTY_TEXT");
  }
  {
    v1::EmbedRequest wide;
    wide.set_text("a");
    wide.set_dimensions(257);
    v1::EmbedResponse reply;
    grpc::ClientContext context;
    CHECK(reason_of(client.stub->Embed(&context, wide, &reply)) == "BAD_DIMENSIONS");
  }
}

TEST_CASE("a route without centroids has the reason that old clients know", "[wire]") {
  Home home;
  const Running daemon = home.serve();
  const RawClient client(home);
  v1::EmbedRequest request;
  request.set_text("a");
  request.set_with_route(true);
  v1::EmbedResponse response;
  grpc::ClientContext context;
  const grpc::Status status = client.stub->Embed(&context, request, &response);
  CHECK(status.error_code() == grpc::StatusCode::FAILED_PRECONDITION);
  CHECK(reason_of(status) == "NO_CENTROID_SET");
  CHECK(status.error_message().starts_with("no centroid set loaded; "));
}

TEST_CASE("Info and Health tell what the file says, and count embedding calls only", "[wire]") {
  Home home;
  Running daemon = home.serve();
  const RawClient client(home);
  v1::EmbedRequest request;
  request.set_text("a");
  v1::EmbedResponse response;
  grpc::ClientContext embed_context;
  REQUIRE(client.stub->Embed(&embed_context, request, &response).ok());
  v1::InfoResponse info;
  grpc::ClientContext info_context;
  REQUIRE(client.stub->Info(&info_context, {}, &info).ok());
  CHECK(info.vector_dim() == 256);
  CHECK(info.max_tokens() == 512);
  CHECK(info.max_text_length() == 512);
  CHECK(info.model_identity() == "sha256:" + info.model_sha256().substr(0, 16));
  CHECK(info.daemon_version().starts_with("v"));
  CHECK(info.pid() == daemon.pid());
  CHECK(info.api_version() == 1);
  v1::HealthResponse health;
  grpc::ClientContext health_context;
  REQUIRE(client.stub->Health(&health_context, {}, &health).ok());
  CHECK(health.status() == v1::HealthResponse::STATUS_OK);
  CHECK(health.total_requests() == 1);
}

TEST_CASE("the standard health service and reflection answer", "[wire]") {
  Home home;
  const Running daemon = home.serve();
  const RawClient client(home);
  std::string reply;
  REQUIRE(call_raw(client, "/grpc.health.v1.Health/Check", "", reply).ok());
  CHECK(reply == std::string("\x08\x01", 2));  // status = SERVING
  const std::string service = "runed.v1.RunedService";
  reply.clear();
  REQUIRE(call_raw(client, "/grpc.health.v1.Health/Check",
                   std::string("\x0a") + static_cast<char>(service.size()) + service, reply)
              .ok());
  CHECK(reply == std::string("\x08\x01", 2));
  // Bidirectional, but one request and one reply look like a unary call: list_services = "".
  reply.clear();
  CHECK(call_raw(client, "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
                 std::string("\x3a\x00", 2), reply)
            .ok());
  CHECK(reply.find(service) != std::string::npos);
}

TEST_CASE("a call that nobody implements is refused as such", "[wire]") {
  Home home;
  const Running daemon = home.serve();
  std::string reply;
  CHECK(call_raw(RawClient(home), "/runed.v1.RunedService/Levitate", "", reply).error_code() ==
        grpc::StatusCode::UNIMPLEMENTED);
}

TEST_CASE("Shutdown is accepted, and answered before the daemon ends", "[wire]") {
  Home home;
  Running daemon = home.serve();
  const RawClient client(home);
  v1::ShutdownResponse response;
  grpc::ClientContext context;
  REQUIRE(client.stub->Shutdown(&context, {}, &response).ok());
  CHECK(response.accepted());
  CHECK(daemon.finish().exit_code == 0);
}
