#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "os/file/fd.hpp"
#include "support/http_request.hpp"

namespace runed::test {

struct HttpRequest {
  HttpSeen seen;
  std::string body;
};

/// A connection that is kept alive: one request after another.
class Connection {
 public:
  explicit Connection(os::Fd fd) : fd_(std::move(fd)) {}

  /// Waits for the next request; empty when the client has gone.
  std::optional<HttpRequest> next();

  /// Sends bytes as they are; false when the client has gone.
  bool send(std::string_view bytes);

 private:
  bool receive();

  os::Fd fd_;
  std::string received_;  // And not yet taken.
};

/// The head of an answer with a body of JSON of this size.
std::string answer_head(int status, uint64_t body_bytes);

/// Where llama-server listens, in its own words: a path that ends in .sock, or an address and a port.
struct Endpoint {
  std::string host = "127.0.0.1";
  uint16_t port = 8080;

  bool is_unix() const { return host.ends_with(".sock"); }
  std::string url() const;
};

/// Listens, and sets the port that was got where 0 was asked. Not open if that cannot be.
os::Fd listen_at(Endpoint& endpoint);

/// Waits for the next client.
os::Fd accept_from(const os::Fd& listener);

}  // namespace runed::test
