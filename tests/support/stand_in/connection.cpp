#include "support/stand_in/connection.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <array>
#include <cstdlib>
#include <cstring>

namespace runed::test {

using os::Fd;

std::optional<HttpRequest> Connection::next() {
  constexpr std::string_view kEnd = "\r\n\r\n";
  size_t end = 0;
  while ((end = received_.find(kEnd)) == std::string::npos) {
    if (!receive()) return std::nullopt;
  }
  const size_t begin = end + kEnd.size();
  HttpRequest request{parse_request_head(received_.substr(0, begin)), {}};
  const size_t size = std::strtoull(request.seen.header("content-length").c_str(), nullptr, 10);
  // What curl asks before it sends a large body.
  if (request.seen.header("expect") == "100-continue" && received_.size() == begin) {
    if (!send("HTTP/1.1 100 Continue\r\n\r\n")) return std::nullopt;
  }
  while (received_.size() < begin + size) {
    if (!receive()) return std::nullopt;
  }
  request.body = received_.substr(begin, size);
  received_.erase(0, begin + size);
  return request;
}

bool Connection::receive() {
  std::array<char, 65536> buffer;
  const ssize_t count = ::recv(fd_.get(), buffer.data(), buffer.size(), 0);
  if (count <= 0) return false;
  received_.append(buffer.data(), static_cast<size_t>(count));
  return true;
}

bool Connection::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(count));
  }
  return true;
}

// As llama-server, which closes after an error.
std::string answer_head(int status, uint64_t body_bytes) {
  return fmt::format(
      "HTTP/1.1 {} Stand-in\r\nServer: llama.cpp\r\n"
      "Content-Type: application/json; charset=utf-8\r\nContent-Length: {}\r\n{}\r\n\r\n",
      status, body_bytes, status == 200 ? "Keep-Alive: timeout=5, max=100" : "Connection: close");
}

std::string Endpoint::url() const {
  return is_unix() ? "unix://" + host : fmt::format("http://{}:{}", host, port);
}

// As llama-server, which does not remove a socket that is there already.
Fd listen_at(Endpoint& endpoint) {
  Fd listener(::socket(endpoint.is_unix() ? AF_UNIX : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  union {
    sockaddr generic;
    sockaddr_un local;
    sockaddr_in internet;
  } address{};
  socklen_t length = 0;
  if (endpoint.is_unix()) {
    if (endpoint.host.size() >= sizeof address.local.sun_path) return Fd();
    address.local.sun_family = AF_UNIX;
    std::memcpy(address.local.sun_path, endpoint.host.c_str(), endpoint.host.size() + 1);
    length = sizeof address.local;
  } else {
    address.internet.sin_family = AF_INET;
    address.internet.sin_port = htons(endpoint.port);
    if (::inet_pton(AF_INET, endpoint.host.c_str(), &address.internet.sin_addr) != 1) return Fd();
    length = sizeof address.internet;
  }
  if (::bind(listener.get(), &address.generic, length) != 0) return Fd();
  if (::listen(listener.get(), 64) != 0) return Fd();
  if (!endpoint.is_unix()) {
    ::getsockname(listener.get(), &address.generic, &length);
    endpoint.port = ntohs(address.internet.sin_port);
  }
  return listener;
}

Fd accept_from(const Fd& listener) {
  return Fd(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
}

}  // namespace runed::test
