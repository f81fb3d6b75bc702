#include "daemon/life/listener.hpp"

#include <atomic>
#include <filesystem>
#include <future>
#include <memory>

#include "fake_frontend.hpp"
#include "os/net/peek.hpp"
#include "os/process/process.hpp"
#include "support/connected_sockets.hpp"
#include "support/eventually.hpp"
#include "support/result_matchers.hpp"
#include "support/temp_dir.hpp"

using runed::daemon::Listener;
using runed::daemon::ListeningSocket;
using runed::os::dial_unix;
using runed::os::Fd;
using runed::os::TcpListener;
using runed::os::UnixListener;
using runed::test::dial_tcp;
using runed::test::eventually;
using runed::test::FakeFrontend;
using runed::test::is_closed;
using runed::test::send;
using runed::test::unwrap;
using namespace std::chrono_literals;

namespace {

// A directory for sockets, and two wires.
struct Fixture {
  std::vector<ListeningSocket> sockets() const {
    std::vector<ListeningSocket> sockets;
    sockets.emplace_back(unwrap(UnixListener::listen(path)));
    return sockets;
  }

  std::unique_ptr<Listener> listen(std::vector<ListeningSocket> sockets,
                                   Listener::Callbacks callbacks = {.on_evicted = [] {}}) {
    std::vector<runed::daemon::Frontend*> frontends{&pri, &post};
    return std::make_unique<Listener>(std::move(sockets), std::move(frontends),
                                      std::move(callbacks), clock, log);
  }

  Fd dial() const { return unwrap(dial_unix(path, 2s)); }

  runed::test::TempDir dir;
  const std::string path = dir / "d.sock";
  runed::SystemClock clock;
  runed::Log log{runed::Log::Format::json, clock};
  FakeFrontend pri{"PRI *"};
  FakeFrontend post{"POST"};
};

}  // namespace

TEST_CASE("a connection of our own user is handed on, to a front end that is alone at once") {
  Fixture fixture;
  Listener listener(fixture.sockets(), {&fixture.post}, {.on_evicted = [] {}}, fixture.clock,
                    fixture.log);
  const Fd connection = fixture.dial();
  REQUIRE(eventually([&] { return fixture.post.count() == 1; }));
  const auto peer = unwrap(runed::os::peer_credentials(fixture.post.taken(0)));
  CHECK(peer.pid == runed::os::process_id());
}

TEST_CASE("two front ends share a socket, and a silent peer keeps neither waiting") {
  Fixture fixture;
  const auto listener = fixture.listen(fixture.sockets());
  const Fd silent = fixture.dial();
  const Fd slow = fixture.dial();
  send(slow, "P");
  const Fd first = fixture.dial();
  const Fd second = fixture.dial();
  send(second, "POST /");
  REQUIRE(eventually([&] { return fixture.post.count() == 1; }));
  send(first, "PRI * HTTP/2.0");
  REQUIRE(eventually([&] { return fixture.pri.count() == 1; }));
  send(slow, "OS");
  send(slow, "T");
  REQUIRE(eventually([&] { return fixture.post.count() == 2; }));
  CHECK(unwrap(runed::os::peek(fixture.post.taken(1), 99)).bytes == "POST");
  CHECK_FALSE(is_closed(silent));
}

TEST_CASE("what nobody claims is closed, and so is what waits when the listener closes") {
  Fixture fixture;
  const auto listener = fixture.listen(fixture.sockets());
  const Fd silent = fixture.dial();
  const Fd foreign = fixture.dial();
  send(foreign, "\x16\x03\x01");
  CHECK(eventually([&] { return is_closed(foreign); }));
  CHECK_FALSE(is_closed(silent));
  listener->close();
  CHECK(is_closed(silent));
}

TEST_CASE("more connections than may wait are all served, once each says what it is") {
  Fixture fixture;
  const auto listener = fixture.listen(fixture.sockets());
  constexpr size_t kCount = runed::daemon::PendingConnections::kMost + 64;
  std::vector<Fd> peers;
  for (size_t i = 0; i < kCount; ++i) {
    peers.push_back(fixture.dial());
    // One in ten of them stays silent.
    if (i % 10 != 0) send(peers.back(), i % 2 == 0 ? "PRI *" : "POST");
  }
  const size_t spoken = kCount - (kCount + 9) / 10;
  CHECK(eventually([&] { return fixture.pri.count() + fixture.post.count() == spoken; }));
}

TEST_CASE("several sockets are listened on, of both kinds, and a TCP peer is asked after") {
  Fixture fixture;
  auto sockets = fixture.sockets();
  auto tcp = unwrap(TcpListener::listen({}));
  const uint16_t port = tcp.address().port;
  sockets.emplace_back(std::move(tcp));
  sockets.emplace_back(unwrap(UnixListener::listen(fixture.dir / "other.sock")));
  std::atomic<bool> admits{true};
  const auto listener =
      fixture.listen(std::move(sockets),
                     {.on_evicted = [] {}, .admits_tcp_peer = [&](int) { return admits.load(); }});
  const Fd by_tcp = dial_tcp(port);
  send(by_tcp, "PRI * HTTP/2.0");
  REQUIRE(eventually([&] { return fixture.pri.count() == 1; }));
  const Fd by_path = fixture.dial();
  send(by_path, "POST");
  REQUIRE(eventually([&] { return fixture.post.count() == 1; }));
  const Fd by_other = unwrap(dial_unix(fixture.dir / "other.sock", 2s));
  send(by_other, "POST");
  REQUIRE(eventually([&] { return fixture.post.count() == 2; }));
  admits = false;
  const Fd refused = dial_tcp(port);
  CHECK(eventually([&] { return is_closed(refused); }));
  listener->close();
  CHECK(unwrap(TcpListener::listen({.host = "127.0.0.1", .port = port})).address().port == port);
}

TEST_CASE("closing unlinks the path and refuses new connections") {
  Fixture fixture;
  const auto listener = fixture.listen(fixture.sockets());
  listener->close();
  listener->close();
  CHECK_FALSE(std::filesystem::exists(fixture.path));
}

TEST_CASE("a daemon whose socket was replaced learns it, and leaves the new one alone") {
  Fixture fixture;
  std::promise<void> evicted;
  auto sockets = fixture.sockets();
  sockets.emplace_back(unwrap(UnixListener::listen(fixture.dir / "other.sock")));
  const auto listener =
      fixture.listen(std::move(sockets), {.on_evicted = [&] { evicted.set_value(); }});
  std::filesystem::remove(fixture.path);
  const UnixListener successor = unwrap(UnixListener::listen(fixture.path));
  REQUIRE(evicted.get_future().wait_for(5s) == std::future_status::ready);
  listener->close();
  CHECK(std::filesystem::exists(fixture.path));
  CHECK_FALSE(std::filesystem::exists(fixture.dir / "other.sock"));
}
