#include "raw_client.hpp"

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/generic/generic_stub.h>

#include <fmt/format.h>

#include <filesystem>

#include "google/rpc/status.pb.h"
#include "standard.pb.h"
#include "support/eventually.hpp"

namespace runed::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::system_clock;

grpc::ByteBuffer to_buffer(const std::string& bytes) {
  const grpc::Slice slice(bytes);
  return {&slice, 1};
}

std::string to_string(const grpc::ByteBuffer& buffer) {
  std::vector<grpc::Slice> slices;
  std::string bytes;
  if (!buffer.Dump(&slices).ok()) return bytes;
  for (const auto& slice : slices) {
    bytes.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
  }
  return bytes;
}

// A path as part of an address: gRPC takes no other bytes.
std::string as_uri(const std::string& path) {
  std::string uri;
  for (const char c : path) {
    const auto byte = static_cast<unsigned char>(c);
    uri += byte < 0x80 && c != '%' ? std::string(1, c) : fmt::format("%{:02X}", byte);
  }
  return uri;
}

Answer<std::string> call_and_wait(const std::shared_ptr<grpc::Channel>& channel,
                                  grpc::ClientContext& context, const std::string& method,
                                  const std::string& request) {
  grpc::GenericStub stub(channel);
  grpc::CompletionQueue queue;
  auto call = stub.PrepareUnaryCall(&context, method, to_buffer(request), &queue);
  call->StartCall();
  grpc::ByteBuffer reply;
  Answer<std::string> answer;
  call->Finish(&reply, &answer.status, nullptr);
  void* tag = nullptr;
  bool ok = false;
  queue.Next(&tag, &ok);
  if (answer.status.ok()) answer.reply = to_string(reply);
  return answer;
}

}  // namespace

RawCall::RawCall(std::shared_ptr<grpc::Channel> channel, std::string method, std::string request,
                 milliseconds timeout)
    : context_(std::make_shared<grpc::ClientContext>()) {
  context_->set_deadline(system_clock::now() + timeout);
  ended_ = std::async(
      std::launch::async,
      [context = context_, channel = std::move(channel), method = std::move(method),
       request = std::move(request)] { return call_and_wait(channel, *context, method, request); });
}

RawCall::~RawCall() {
  if (ended_.valid()) context_->TryCancel();
}

void RawCall::cancel() {
  context_->TryCancel();
}

bool RawCall::has_ended() const {
  return ended_.wait_for(seconds(0)) == std::future_status::ready;
}

Answer<std::string> RawCall::finish() {
  return ended_.get();
}

struct RawStream::Impl {
  grpc::ClientContext context;
  grpc::CompletionQueue queue;
  std::unique_ptr<grpc::GenericClientAsyncReaderWriter> stream;
  grpc::ByteBuffer message;
  grpc::Status status;
  bool is_pending = false;
  bool ok = false;
};

RawStream::RawStream(const std::shared_ptr<grpc::Channel>& channel, const std::string& method)
    : impl_(std::make_unique<Impl>()) {
  impl_->stream = grpc::GenericStub(channel).PrepareCall(&impl_->context, method, &impl_->queue);
  impl_->stream->StartCall(this);
  impl_->is_pending = true;
  wait();
}

// An operation that was begun has to end before what it writes to.
RawStream::~RawStream() {
  impl_->context.TryCancel();
  void* tag = nullptr;
  if (impl_->is_pending) impl_->queue.Next(&tag, &impl_->ok);
}

void RawStream::wait() {
  void* tag = nullptr;
  const auto deadline = system_clock::now() + seconds(10);
  if (impl_->queue.AsyncNext(&tag, &impl_->ok, deadline) != grpc::CompletionQueue::GOT_EVENT) {
    FAIL("the stream is silent");
  }
  impl_->is_pending = false;
}

void RawStream::write(const std::string& message) {
  impl_->is_pending = true;
  impl_->stream->Write(to_buffer(message), this);
  wait();
}

void RawStream::close() {
  impl_->is_pending = true;
  impl_->stream->WritesDone(this);
  wait();
}

void RawStream::write_last(const std::string& message) {
  impl_->is_pending = true;
  impl_->stream->WriteLast(to_buffer(message), {}, this);
  wait();
}

std::optional<std::string> RawStream::read() {
  impl_->is_pending = true;
  impl_->stream->Read(&impl_->message, this);
  wait();
  if (!impl_->ok) return std::nullopt;
  return to_string(impl_->message);
}

grpc::Status RawStream::finish() {
  impl_->is_pending = true;
  impl_->stream->Finish(&impl_->status, this);
  wait();
  return impl_->status;
}

RawClient::RawClient(const Home& home) {
  const std::string socket = home / "embedding.sock";
  REQUIRE(eventually([&] { return std::filesystem::exists(socket); }));
  channel_ = grpc::CreateChannel("unix:" + as_uri(socket), grpc::InsecureChannelCredentials());
  REQUIRE(channel_->WaitForConnected(system_clock::now() + seconds(10)));
}

RawCall RawClient::begin(const std::string& method, const std::string& request,
                         milliseconds timeout) const {
  return {channel_, method, request, timeout};
}

old::EmbedRequest one_text(const std::string& text, Route route) {
  old::EmbedRequest request;
  request.set_text(text);
  request.set_with_route(route == Route::with);
  return request;
}

old::EmbedBatchRequest many_texts(const std::vector<std::string>& texts, Route route) {
  old::EmbedBatchRequest request;
  for (const std::string& text : texts) request.add_texts(text);
  request.set_with_route(route == Route::with);
  return request;
}

old::HealthResponse OldClient::health() const {
  auto [status, reply] = call<old::HealthResponse>(kHealth, old::HealthRequest());
  INFO(status.error_message());
  REQUIRE(status.ok());
  return reply;
}

old::InfoResponse OldClient::info() const {
  auto [status, reply] = call<old::InfoResponse>(kInfo, old::InfoRequest());
  INFO(status.error_message());
  REQUIRE(status.ok());
  return reply;
}

std::vector<float> OldClient::vector(const std::string& text) const {
  const auto [status, reply] = embed(text);
  INFO(status.error_message());
  REQUIRE(status.ok());
  return floats(reply);
}

Answer<old::ShutdownResponse> OldClient::shut_down(int grace_seconds) const {
  old::ShutdownRequest request;
  request.set_grace_seconds(grace_seconds);
  return call<old::ShutdownResponse>(kShutdown, request);
}

old::HealthResponse OldClient::wait_for(old::HealthResponse::Status status) const {
  old::HealthResponse seen;
  if (!eventually([&] { return (seen = health()).status() == status; })) {
    FAIL("not " << old::HealthResponse::Status_Name(status) << ": " << seen.ShortDebugString());
  }
  return seen;
}

Answer<int> check_health(const RawClient& client, const std::string& service) {
  standard::HealthCheckRequest request;
  request.set_service(service);
  const auto [status, reply] =
      client.call<standard::HealthCheckResponse>("/grpc.health.v1.Health/Check", request);
  return {status, reply.status()};
}

google::rpc::ErrorInfo error_info(const grpc::Status& status) {
  google::rpc::ErrorInfo info;
  google::rpc::Status details;
  REQUIRE(details.ParseFromString(status.error_details()));
  if (details.details_size() == 0) return info;
  CHECK(details.code() == status.error_code());
  CHECK(details.message() == status.error_message());
  REQUIRE(details.details(0).UnpackTo(&info));
  CHECK(info.domain() == "runed.v1");
  return info;
}

std::string reason_of(const grpc::Status& status) {
  return error_info(status).reason();
}

std::optional<int64_t> retry_seconds(const grpc::Status& status) {
  google::rpc::Status details;
  REQUIRE(details.ParseFromString(status.error_details()));
  for (const auto& detail : details.details()) {
    google::rpc::RetryInfo retry;
    if (detail.UnpackTo(&retry)) return retry.retry_delay().seconds();
  }
  return std::nullopt;
}

std::vector<float> floats(const old::EmbedResponse& embedding) {
  return {embedding.vector().begin(), embedding.vector().end()};
}

}  // namespace runed::test
