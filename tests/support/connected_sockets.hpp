#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cstdint>
#include <string_view>

#include "os/file/fd.hpp"
#include "os/net/peek.hpp"
#include "support/catch.hpp"

namespace runed::test {

/// The two ends of a connection; neither blocks.
struct SocketPair {
  SocketPair() {
    std::array<int, 2> ends{};
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends.data()) == 0);
    ours = os::Fd(ends[0]);
    peers = os::Fd(ends[1]);
  }

  os::Fd ours;
  os::Fd peers;
};

/// Sends bytes to the other end, which is there and has room for them.
inline void send(const os::Fd& fd, std::string_view bytes) {
  REQUIRE(::send(fd.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
          static_cast<ssize_t>(bytes.size()));
}

/// Says that no more is sent.
inline void end_sending(const os::Fd& fd) {
  REQUIRE(::shutdown(fd.get(), SHUT_WR) == 0);
}

/// Tells whether the other end sends no more, as one that was closed.
inline bool is_closed(const os::Fd& fd) {
  const auto peeked = os::peek(fd.get(), 1);
  return !peeked.has_value() || peeked->is_ended;
}

/// Connects to a port of this machine, of IPv4 or of IPv6.
inline os::Fd dial_tcp(uint16_t port, int family = AF_INET) {
  os::Fd fd(::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in v4{};
  v4.sin_family = AF_INET;
  v4.sin_port = ::htons(port);
  v4.sin_addr.s_addr = ::htonl(INADDR_LOOPBACK);
  sockaddr_in6 v6{};
  v6.sin6_family = AF_INET6;
  v6.sin6_port = ::htons(port);
  v6.sin6_addr = IN6ADDR_LOOPBACK_INIT;
  const bool is_v4 = family == AF_INET;
  const auto* address =
      is_v4 ? reinterpret_cast<const sockaddr*>(&v4) : reinterpret_cast<const sockaddr*>(&v6);
  REQUIRE(::connect(fd.get(), address, is_v4 ? sizeof(v4) : sizeof(v6)) == 0);
  return fd;
}

}  // namespace runed::test
