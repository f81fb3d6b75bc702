#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "support/http_request.hpp"

namespace runed::test {

/// A body that is made while it is sent, so that it may be larger than memory.
struct HttpBody {
  uint64_t size_bytes = 0;
  std::function<void(uint64_t offset, std::span<char> out)> fill;
};

/// A body that holds a text.
HttpBody text_body(std::string text);
/// A body of random bytes, the same ones for the same seed.
HttpBody random_body(uint64_t size_bytes, uint64_t seed = 1);
/// A body whose bytes behind the first `free_bytes` wait until they are let go.
HttpBody held_body(HttpBody body, uint64_t free_bytes, std::shared_future<void> go);
/// Returns the bytes of a body, and their SHA-256.
std::string bytes_of(const HttpBody& body);
std::string sha256_of(const HttpBody& body);

/// How to answer. With status 200 a Range is honoured, with If-Range where a mark is given.
struct HttpReply {
  enum class Ranges { honoured, ignored };

  int status = 200;
  std::vector<std::pair<std::string, std::string>> headers{};
  HttpBody body{};
  Ranges ranges = Ranges::honoured;
  std::string etag{};                                    // With its quotes; empty: none.
  std::string last_modified{};                           // Empty: none.
  std::map<std::string, std::string> changed_headers{};  // In place of what we would send.
  std::set<uint64_t> cuts{};          // Offsets in the whole body; cut once at each.
  uint64_t cut_after = UINT64_MAX;    // Bytes of this answer, each time.
  uint64_t stall_after = UINT64_MAX;  // From there on nothing, but the connection stays.
  size_t piece_bytes = size_t{1} << 16;
  std::chrono::milliseconds pause{0};  // After each piece.
};

/// A real HTTP/1.1 server on a free port of 127.0.0.1, one request a connection.
class HttpServer {
 public:
  using Handler = std::function<HttpReply(const HttpSeen&)>;

  HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;
  ~HttpServer();

  /// Sets how a path is answered: always so, in turn (the last one stays), or by a function.
  /// Other paths get 404.
  void reply(const std::string& path, HttpReply reply);
  void reply_in_turn(const std::string& path, std::vector<HttpReply> replies);
  void handle(const std::string& path, Handler handler);

  /// Returns the URL of a path.
  std::string url(const std::string& path) const;
  uint16_t port() const;

  /// What was asked of a path so far, its query apart, and how many bytes of bodies went out.
  std::vector<HttpSeen> seen(const std::string& path) const;
  uint64_t body_bytes_sent() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace runed::test
