#include "os/net/tcp_socket.hpp"

#include <fcntl.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include "os/file/files.hpp"
#include "os/net/poll.hpp"
#include "support/connected_sockets.hpp"
#include "support/left_out.hpp"
#include "support/result_matchers.hpp"

using runed::ErrorCode;
using runed::os::Fd;
using runed::os::TcpListener;
using runed::test::dial_tcp;
using runed::test::leave_out;
using runed::test::unwrap;
using runed::test::unwrap_error;
using namespace std::chrono_literals;

namespace {

Fd accept_one(TcpListener& listener) {
  REQUIRE(runed::os::wait_readable(listener.fd(), 10s));
  auto fd = unwrap(listener.accept());
  REQUIRE(fd.has_value());
  return std::move(*fd);
}

void check_exchange(TcpListener& listener, int family) {
  CHECK_FALSE(unwrap(listener.accept()).has_value());
  Fd client = dial_tcp(listener.address().port, family);
  const Fd server = accept_one(listener);
  runed::test::send(client, "ping");
  client.close();
  REQUIRE(runed::os::wait_readable(server.get(), 10s));
  std::string bytes(4, ' ');
  CHECK(::read(server.get(), bytes.data(), bytes.size()) == 4);
  CHECK(bytes == "ping");
}

}  // namespace

TEST_CASE("a port that is free is bound on this machine alone, and told") {
  auto listener = unwrap(TcpListener::listen({}));
  CHECK(listener.address().host == "127.0.0.1");
  CHECK(listener.address().port != 0);
  check_exchange(listener, AF_INET);
}

TEST_CASE("an address of IPv6 is bound") {
  auto listener = TcpListener::listen({.host = "::1"});
  if (!listener.has_value()) {
    leave_out("no IPv6 here: " + listener.error().message);
    return;
  }
  CHECK(to_string(listener->address()) == "[::1]:" + std::to_string(listener->address().port));
  check_exchange(*listener, AF_INET6);
}

TEST_CASE("all of IPv6 leaves the port of IPv4 alone") {
  const auto v6 = TcpListener::listen({.host = "::"});
  if (!v6.has_value()) {
    leave_out("no IPv6 here: " + v6.error().message);
    return;
  }
  CHECK(TcpListener::listen({.host = "127.0.0.1", .port = v6->address().port}).has_value());
}

TEST_CASE("a connection does not block, is not inherited, and sends without waiting for more") {
  auto listener = unwrap(TcpListener::listen({}));
  const Fd client = dial_tcp(listener.address().port);
  const Fd server = accept_one(listener);
  CHECK((::fcntl(server.get(), F_GETFL) & O_NONBLOCK) != 0);
  CHECK((::fcntl(server.get(), F_GETFD) & FD_CLOEXEC) != 0);
  CHECK((::fcntl(listener.fd(), F_GETFD) & FD_CLOEXEC) != 0);
  int no_delay = 0;
  socklen_t size = sizeof(no_delay);
  REQUIRE(::getsockopt(server.get(), IPPROTO_TCP, TCP_NODELAY, &no_delay, &size) == 0);
  CHECK(no_delay != 0);
}

TEST_CASE("a port on which somebody listens is left alone") {
  auto first = unwrap(TcpListener::listen({}));
  const auto error = unwrap_error(TcpListener::listen(first.address()));
  CHECK(error.code == ErrorCode::unavailable);
  CHECK(error.message == "cannot listen on '" + to_string(first.address()) + "': already in use");
  CHECK(error.hint == "name another port, or end what listens there");
  check_exchange(first, AF_INET);
}

TEST_CASE("a port whose connections have just ended can be had again") {
  auto first = unwrap(TcpListener::listen({}));
  const auto address = first.address();
  const Fd client = dial_tcp(address.port);
  accept_one(first).close();  // Whoever closes first keeps the port for a minute.
  first.close();
  CHECK(TcpListener::listen(address).has_value());
}

TEST_CASE("a port that needs a privilege is refused with what to do") {
  // Root is nobody meanwhile.
  const uid_t user = ::geteuid();
  if (user == 0) REQUIRE(::seteuid(65534) == 0);
  const auto listener = TcpListener::listen({.host = "127.0.0.1", .port = 1});
  REQUIRE(::seteuid(user) == 0);
  if (listener.has_value()) {
    leave_out("here anybody may bind any port");
    return;
  }
  CHECK(listener.error().code == ErrorCode::permission_denied);
  CHECK(listener.error().message == "cannot listen on '127.0.0.1:1': permission denied");
  CHECK(listener.error().hint == "ports below 1024 need a privilege: name another one");
}

TEST_CASE("what is no address, or another machine's, is refused") {
  const auto name = unwrap_error(TcpListener::listen({.host = "localhost", .port = 80}));
  CHECK(name.code == ErrorCode::bad_config);
  CHECK(name.message == "cannot listen on 'localhost:80': 'localhost' is no IPv4 or IPv6 address");
  CHECK(name.hint == "127.0.0.1 is for this machine alone");
  // Of a range that no machine has. Source: RFC 5737.
  const auto other = unwrap_error(TcpListener::listen({.host = "192.0.2.1", .port = 8080}));
  CHECK(other.code == ErrorCode::bad_config);
  CHECK(other.message ==
        "cannot listen on '192.0.2.1:8080': this machine does not have that address");
}
