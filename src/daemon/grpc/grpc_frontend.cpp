#include "daemon/grpc/grpc_frontend.hpp"

#include <grpc/grpc.h>
#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/impl/service_type.h>
#include <grpcpp/resource_quota.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <grpcpp/server_posix.h>

#include <utility>

#include "daemon/api/api.hpp"
#include "daemon/grpc/message_bytes.hpp"
#include "daemon/grpc/service.hpp"

namespace runed::daemon {
namespace {

constexpr size_t kMostBytesOfRequests = 8 * kMostRequestBytes;
constexpr const char* kServiceName = "runed.v1.RunedService";

// The first line of what a client of HTTP/2 sends; no method of HTTP/1 is called so.
// Source: RFC 9113, section 3.4.
constexpr std::string_view kPreface = "PRI * HTTP/2.0";

}  // namespace

GrpcFrontend::GrpcFrontend() = default;
GrpcFrontend::~GrpcFrontend() = default;

// gRPC is held until the process ends: with its last server it would take itself down, and wait for
// a poller of its own that looks up after ten seconds only (1.51, run_poller in tcp_posix.cc). All
// that time the lock would be held by a daemon that answers nobody.
void GrpcFrontend::start(Api& api) {
  service_ = make_service(api);
  grpc_init();
  grpc::EnableDefaultHealthCheckService(true);
  grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  grpc::ServerBuilder builder;
  // Ours is the limit that counts, message_bytes.hpp: it refuses with a reason. gRPC (1.51) compares a
  // message with its own only when it has all of it, so that one bounds no memory.
  builder.SetMaxReceiveMessageSize(-1);
  // Of all requests together, while gRPC has them: past it gRPC ends some of the calls itself.
  builder.SetResourceQuota(grpc::ResourceQuota("requests").Resize(kMostBytesOfRequests));
  // A client on this machine needs no window that grows with the distance; it would only let one
  // that does not read its results leave megabytes with us.
  builder.AddChannelArgument(GRPC_ARG_HTTP2_BDP_PROBE, 0);
  builder.RegisterService(service_.get());
  auto server = builder.BuildAndStart();
  {
    const std::lock_guard lock(health_mutex_);
    api_ = &api;
    server_ = std::move(server);
  }
  publish_health();
}

// What begins as HTTP/2 and goes on otherwise is for gRPC to refuse.
Claim GrpcFrontend::judge(std::string_view first_bytes) const {
  if (first_bytes.starts_with(kPreface)) return Claim::ours;
  return kPreface.starts_with(first_bytes) ? Claim::undecided : Claim::none;
}

void GrpcFrontend::take(os::Fd connection) {
  grpc::AddInsecureChannelFromFd(server_.get(), connection.release());
}

// grpc.health.v1 follows the state; a suspended engine serves, since it wakes by itself. gRPC tells
// those who watch of every call, changed or not.
void GrpcFrontend::publish_health() {
  const std::lock_guard lock(health_mutex_);
  if (server_ == nullptr) return;
  // Read under the lock, so that of two changes the last one is told last.
  const Serving serving = api_->serving();
  const bool healthy = serving == Serving::ok || serving == Serving::idle;
  if (told_healthy_ == healthy) return;
  told_healthy_ = healthy;
  for (const char* service : {"", kServiceName}) {
    server_->GetHealthCheckService()->SetServingStatus(service, healthy);
  }
}

// gRPC (1.51) waits for each connection to be closed, and closes none while bytes are on their way to
// it: for ever, if its client does not read.
void GrpcFrontend::end(std::chrono::milliseconds flush_time) {
  server_->Shutdown(std::chrono::system_clock::now() + flush_time);
  const std::lock_guard lock(health_mutex_);
  server_.reset();
}

}  // namespace runed::daemon
