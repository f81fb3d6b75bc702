#include "daemon/grpc/grpc_frontend.hpp"

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <grpcpp/create_channel_posix.h>

#include <chrono>

#include "daemon/api/api.hpp"
#include "os/net/poll.hpp"
#include "os/process/signals.hpp"
#include "runed/v1/runed.grpc.pb.h"
#include "support/connected_sockets.hpp"
#include "unit/daemon/models/pool_fixture.hpp"

using runed::daemon::Claim;
using runed::daemon::GrpcFrontend;
using runed::test::SocketPair;
using namespace std::chrono_literals;

namespace {

// The front end, and what it asks.
struct Fixture {
  // As in the daemon, gRPC's threads have the signals blocked: they stay for the tests of these.
  runed::os::SignalWatcher signals;
  GrpcFrontend frontend;
  runed::SystemClock clock;
  runed::test::PoolFixture models{clock};
  runed::daemon::OpenStreams streams;
  runed::daemon::Api api{{*models.pool, streams, clock, models.log}, {}, {}};
};

grpc::Status ask_health(const std::shared_ptr<grpc::Channel>& channel) {
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + 10s);
  runed::v1::HealthResponse response;
  return runed::v1::RunedService::NewStub(channel)->Health(&context, {}, &response);
}

}  // namespace

TEST_CASE("gRPC claims the preface of HTTP/2, with its first line, and nothing else") {
  const GrpcFrontend frontend;
  const std::string_view preface = "PRI * HTTP/2.0";
  for (size_t size = 1; size < preface.size(); ++size) {
    CHECK(frontend.judge(preface.substr(0, size)) == Claim::undecided);
  }
  CHECK(frontend.judge(preface) == Claim::ours);
  CHECK(frontend.judge("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n") == Claim::ours);
  CHECK(frontend.judge("PRI * HTTP/2.0 and what is wrong") == Claim::ours);
  for (const std::string_view other :
       {"PRI * HTTP/1.1", "POST / HTTP/1.1", "PR ", "\x16\x03\x01"}) {
    CHECK(frontend.judge(other) == Claim::none);
  }
}

TEST_CASE("gRPC speaks on the sockets that it is given, until it ends") {
  Fixture fixture;
  fixture.frontend.publish_health();  // The state may change before there is a server.
  fixture.frontend.start(fixture.api);
  SocketPair served;
  SocketPair silent;
  fixture.frontend.take(std::move(served.ours));
  fixture.frontend.take(std::move(silent.ours));
  const auto channel = grpc::CreateInsecureChannelFromFd("served", served.peers.release());
  CHECK(ask_health(channel).ok());
  fixture.frontend.end(200ms);
  CHECK_FALSE(ask_health(channel).ok());
  CHECK(runed::os::wait_readable(silent.peers.get(), 10s));
  fixture.frontend.publish_health();
}
