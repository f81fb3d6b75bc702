#pragma once

#include <grpcpp/support/status.h>

#include <chrono>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "google/rpc/error_details.pb.h"
#include "predecessor.pb.h"
#include "runed_process.hpp"
#include "support/catch.hpp"

namespace grpc {
class Channel;
class ClientContext;
}  // namespace grpc

namespace runed::test {

namespace old = predecessor::v1;

template <typename Reply>
struct Answer {
  grpc::Status status;
  Reply reply;
};

/// How long a call of a test waits that is not about waiting.
inline constexpr std::chrono::seconds kCallTimeout{30};

/// A call by name, bytes in and bytes out, begun in a thread of its own. Ends with the object.
class RawCall {
 public:
  RawCall(std::shared_ptr<grpc::Channel> channel, std::string method, std::string request,
          std::chrono::milliseconds timeout);
  RawCall(RawCall&&) = default;
  ~RawCall();

  void cancel();
  bool has_ended() const;
  /// Waits for the end. Call it once.
  Answer<std::string> finish();

 private:
  std::shared_ptr<grpc::ClientContext> context_;
  std::future<Answer<std::string>> ended_;
};

/// As RawCall, with a message as the reply.
template <typename Reply>
class Call {
 public:
  explicit Call(RawCall call) : call_(std::move(call)) {}

  void cancel() { call_.cancel(); }
  bool has_ended() const { return call_.has_ended(); }
  Answer<Reply> finish() {
    const auto [status, bytes] = call_.finish();
    Answer<Reply> answer{status, {}};
    if (status.ok()) REQUIRE(answer.reply.ParseFromString(bytes));
    return answer;
  }

 private:
  RawCall call_;
};

/// A call that goes both ways, by name; a service that streams its answers only is one, too.
class RawStream {
 public:
  RawStream(const std::shared_ptr<grpc::Channel>& channel, const std::string& method);
  ~RawStream();

  void write(const std::string& message);
  void write_last(const std::string& message);
  void close();  // Nothing more is written.
  /// Waits for the next message; empty at the end. Fails the test after ten seconds.
  std::optional<std::string> read();
  /// Needs: read() has told the end.
  grpc::Status finish();

 private:
  struct Impl;
  void wait();

  std::unique_ptr<Impl> impl_;
};

/// A gRPC client that sets nothing, and knows no message and no method of ours.
class RawClient {
 public:
  /// Waits until the daemon of the home listens.
  explicit RawClient(const Home& home);

  RawCall begin(const std::string& method, const std::string& request,
                std::chrono::milliseconds timeout = kCallTimeout) const;

  template <typename Reply, typename Request>
  Call<Reply> begin(const std::string& method, const Request& request,
                    std::chrono::milliseconds timeout = kCallTimeout) const {
    return Call<Reply>(begin(method, request.SerializeAsString(), timeout));
  }

  template <typename Reply, typename Request>
  Answer<Reply> call(const std::string& method, const Request& request,
                     std::chrono::milliseconds timeout = kCallTimeout) const {
    return begin<Reply>(method, request, timeout).finish();
  }

  RawStream stream(const std::string& method) const { return {channel_, method}; }

 private:
  std::shared_ptr<grpc::Channel> channel_;
};

inline const std::string kService = "runed.v1.RunedService";
inline const std::string kEmbed = "/runed.v1.RunedService/Embed";
inline const std::string kEmbedBatch = "/runed.v1.RunedService/EmbedBatch";
inline const std::string kInfo = "/runed.v1.RunedService/Info";
inline const std::string kHealth = "/runed.v1.RunedService/Health";
inline const std::string kShutdown = "/runed.v1.RunedService/Shutdown";

enum class Route { without, with };

old::EmbedRequest one_text(const std::string& text, Route route = Route::without);
old::EmbedBatchRequest many_texts(const std::vector<std::string>& texts,
                                  Route route = Route::without);

/// What a client of the predecessor asks. Health and Info never fail (B-060, B-068): a test that
/// asks them fails with them.
class OldClient : public RawClient {
 public:
  using RawClient::RawClient;

  old::HealthResponse health() const;
  old::InfoResponse info() const;
  Answer<old::EmbedResponse> embed(const std::string& text, Route route = Route::without) const {
    return call<old::EmbedResponse>(kEmbed, one_text(text, route));
  }
  Answer<old::EmbedBatchResponse> embed_batch(const std::vector<std::string>& texts,
                                              Route route = Route::without) const {
    return call<old::EmbedBatchResponse>(kEmbedBatch, many_texts(texts, route));
  }
  Call<old::EmbedResponse> begin_embed(const std::string& text,
                                       std::chrono::milliseconds timeout = kCallTimeout) const {
    return begin<old::EmbedResponse>(kEmbed, one_text(text), timeout);
  }
  /// The vector of a text; fails the test without one.
  std::vector<float> vector(const std::string& text) const;
  Answer<old::ShutdownResponse> shut_down(int grace_seconds = 0) const;
  /// Waits until Health tells this status; fails the test after ten seconds.
  old::HealthResponse wait_for(old::HealthResponse::Status status) const;
};

/// grpc.health.v1 Check: the number of its status.
Answer<int> check_health(const RawClient& client, const std::string& service);

/// The ErrorInfo of a status, of our domain; its reason is empty if there is none. Fails the test if
/// the details are not of this status.
google::rpc::ErrorInfo error_info(const grpc::Status& status);
std::string reason_of(const grpc::Status& status);
/// Of RetryInfo; empty without one.
std::optional<int64_t> retry_seconds(const grpc::Status& status);

std::vector<float> floats(const old::EmbedResponse& embedding);

}  // namespace runed::test
