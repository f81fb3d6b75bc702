#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <string>

#include "base/result.hpp"
#include "embed/llama_server/process/server_shape.hpp"

namespace runed::embed::llama_server {

struct HttpRequest {
  std::string path;
  std::string body;  // Sent by POST; empty: GET.
  uint64_t most_reply_bytes = 0;
  std::chrono::milliseconds timeout{};  // 0: none.
};

inline constexpr int kHttpOk = 200;

/// Returns the request that a server answers with 200 once it is ready.
HttpRequest health_request(std::chrono::milliseconds timeout);

struct HttpReply {
  int status = 0;  // 0: there was none.
  std::string body;
  std::string failure;  // Why there was none; empty otherwise.
};

/// Talks to one llama-server over connections that are kept. Several requests may be under way; all
/// of it happens inside `run`, on the caller's thread.
class HttpClient {
 public:
  using Done = std::function<void(HttpReply)>;

  /// Errors: not_found if this machine has no libcurl.
  static Result<std::unique_ptr<HttpClient>> create(const Endpoint& endpoint);
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;
  ~HttpClient();

  /// Begins a request; `done` is called by a later `run`, unless it was abandoned.
  void send(HttpRequest request, Done done);

  /// Carries on with what is under way, for at most this time. Returns as soon as anything is done.
  void run(std::chrono::milliseconds timeout);

  /// Sends a request and waits for its end.
  HttpReply ask(HttpRequest request);

  /// Forgets what is under way, and closes its connections.
  void abandon();

 private:
  struct Handles;
  struct Exchange;

  HttpClient(std::unique_ptr<Handles> handles, const Endpoint& endpoint);

  void finish_done();

  const std::unique_ptr<Handles> handles_;
  const Endpoint endpoint_;
  std::list<std::unique_ptr<Exchange>> under_way_;
};

}  // namespace runed::embed::llama_server
