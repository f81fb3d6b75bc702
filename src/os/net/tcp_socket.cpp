#include "os/net/tcp_socket.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>

#include "os/net/accept.hpp"

namespace runed::os {
namespace {

constexpr uint16_t kFirstOpenPort = 1024;  // The default of ip_unprivileged_port_start.

struct SocketAddress {
  union {
    sockaddr any{};
    sockaddr_in v4;
    sockaddr_in6 v6;
  };
  socklen_t size = 0;

  in_port_t& port() { return any.sa_family == AF_INET ? v4.sin_port : v6.sin6_port; }
};

Result<SocketAddress> parse(const TcpAddress& address) {
  SocketAddress parsed;
  in_addr v4{};
  in6_addr v6{};
  if (::inet_pton(AF_INET, address.host.c_str(), &v4) == 1) {
    parsed.v4 = {.sin_family = AF_INET, .sin_port = 0, .sin_addr = v4, .sin_zero = {}};
    parsed.size = sizeof(parsed.v4);
  } else if (::inet_pton(AF_INET6, address.host.c_str(), &v6) == 1) {
    parsed.v6 = {.sin6_family = AF_INET6,
                 .sin6_port = 0,
                 .sin6_flowinfo = 0,
                 .sin6_addr = v6,
                 .sin6_scope_id = 0};
    parsed.size = sizeof(parsed.v6);
  } else {
    return make_error(ErrorCode::bad_config,
                      "cannot listen on '{}': '{}' is no IPv4 or IPv6 address", to_string(address),
                      address.host)
        .with_hint("127.0.0.1 is for this machine alone");
  }
  parsed.port() = htons(address.port);
  return parsed;
}

Error listen_error(int error_number, const TcpAddress& address) {
  Error error = os_error(error_number, "cannot listen on '{}'", to_string(address));
  if (error_number == EADDRINUSE) {
    error = make_error(ErrorCode::unavailable, "cannot listen on '{}': already in use",
                       to_string(address))
                .with_hint("name another port, or end what listens there");
  } else if (error_number == EADDRNOTAVAIL) {
    error = make_error(ErrorCode::bad_config,
                       "cannot listen on '{}': this machine does not have that address",
                       to_string(address));
  } else if (error_number == EACCES && address.port < kFirstOpenPort) {
    error.hint = fmt::format("ports below {} need a privilege: name another one", kFirstOpenPort);
  }
  return error;
}

bool turn_on(int fd, int level, int option) {
  const int on = 1;
  return ::setsockopt(fd, level, option, &on, sizeof(on)) == 0;
}

}  // namespace

std::string to_string(const TcpAddress& address) {
  if (address.host.find(':') == std::string::npos) {
    return fmt::format("{}:{}", address.host, address.port);
  }
  return fmt::format("[{}]:{}", address.host, address.port);
}

// The port of a connection that has ended is held for a minute, and must not keep the next daemon from
// it: hence SO_REUSEADDR, with which Linux still refuses a port on which somebody listens. A connection
// has the TCP_NODELAY of the socket that it was accepted from.
Result<TcpListener> TcpListener::listen(const TcpAddress& address) {
  TRY_ASSIGN(SocketAddress bound, parse(address));
  Fd fd(::socket(bound.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd.is_open() || !turn_on(fd.get(), SOL_SOCKET, SO_REUSEADDR) ||
      !turn_on(fd.get(), IPPROTO_TCP, TCP_NODELAY) ||
      (bound.any.sa_family == AF_INET6 && !turn_on(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY)) ||
      ::bind(fd.get(), &bound.any, bound.size) != 0 || ::listen(fd.get(), SOMAXCONN) != 0 ||
      ::getsockname(fd.get(), &bound.any, &bound.size) != 0) {
    return listen_error(errno, address);
  }
  return TcpListener(std::move(fd), {.host = address.host, .port = ntohs(bound.port())});
}

Result<std::optional<Fd>> TcpListener::accept() {
  return accept_connection(fd_.get(), to_string(address_));
}

}  // namespace runed::os
