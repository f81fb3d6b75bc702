#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/embedding.hpp"
#include "base/result.hpp"
#include "client/daemon_starter.hpp"
#include "client/reports.hpp"
#include "client/text_source.hpp"
#include "client/time_limit.hpp"

namespace grpc {
class Channel;
}

namespace runed::v1 {
class RerankRequest;
class RerankResponse;
}  // namespace runed::v1

namespace runed::client {

struct ClientOptions {
  DaemonLocation daemon;
  StartPolicy start = StartPolicy::never;
  std::chrono::milliseconds timeout{60'000};  // Without progress: of starting, loading, embedding.
  std::function<void(const HealthReport&)> on_loading;  // Told now and then while waiting.
  /// Told when a daemon that had told about itself was replaced by another one.
  std::function<void(const InfoReport& before, const InfoReport& now)> on_replaced{};
  std::function<void(const std::string&)> on_wait{};  // As of StartOptions.
  /// Ends the process, where what talks to the daemon does not return in time. From another thread.
  std::function<void(const Error&)> on_stuck{};
};

/// A model that is asked for in place of the daemon's default one: by its name, or else by the absolute
/// path of its file.
struct WantedModel {
  std::string name;
  std::string path;
};

/// One connection to a daemon, renewed when the daemon goes away. Not thread-safe.
class Client {
 public:
  /// Connects, starting a daemon first if there is none and the options allow it.
  /// Errors: unavailable if no daemon runs; permission_denied if the socket is another user's;
  ///         bad_config if its path is not a socket; those of start_daemon.
  static Result<Client> connect(ClientOptions options);

  Client(Client&&) noexcept;
  Client& operator=(Client&&) noexcept;
  ~Client();

  /// Embeds all texts of a source, in bounded memory: reads on while it waits for results, and waits
  /// for the model to be ready and for a queue that is full. A daemon that goes away is replaced and
  /// given again what it had not answered, if it has the same model: as often as results come in
  /// between, else once. Ends with the first error in the order of the texts, after the results of
  /// the texts before it.
  /// Needs:  `model_identity` is what this connection's daemon told.
  /// Errors: those of the source, the sink and the daemon (details: index, where one is about a text);
  ///         model_mismatch if another model answers now; deadline_exceeded; unavailable.
  Status embed_stream(const EmbedOptions& options, const std::string& model_identity,
                      TextSource& source, ResultSink& sink);

  /// Told how many documents have their score.
  using OnScored = std::function<void(size_t documents)>;

  /// Scores documents by how well each answers a query: the raw scores, in their order. Of many it asks
  /// for some at a time, and waits for a queue that is full.
  /// Needs:  `model_identity` is what this connection's daemon told.
  /// Errors: those of the daemon (details: index, where one is about a document); model_mismatch if
  ///         another model answers; not_implemented by a daemon that has no rerankers;
  ///         deadline_exceeded; unavailable.
  Result<std::vector<RankedDocument>> rerank(const std::string& query,
                                             std::span<const std::string> documents,
                                             const EmbedOptions& options,
                                             const std::string& model_identity,
                                             const OnScored& on_scored = {});

  /// Waits until the daemon has left the state LOADING. This and info are tried once more on a new
  /// connection if the daemon went away.
  /// Errors: deadline_exceeded; the reason why the daemon gave up.
  Status wait_ready();

  /// Has a model loaded, and asks for that from now on, after a reconnection too.
  /// Errors: unknown_model; not_implemented by a daemon that has only one; why it cannot be loaded;
  ///         deadline_exceeded.
  Status use_model(WantedModel model);

  /// What the daemon is, and its model: the one that is used.
  Result<InfoReport> info();

  Result<HealthReport> health();

  /// Errors: not_implemented by a daemon that has only one model.
  Result<std::vector<ModelReport>> models();

  /// Has the daemon read its configuration again.
  /// Errors: bad_config; not_implemented by a daemon that cannot.
  Result<ReloadReport> reload();

  /// Asks the daemon to finish and exit; 0 for its default grace.
  Status shutdown(int grace_seconds);

  /// The process behind the socket, as the kernel tells it.
  int daemon_pid() const;

  /// Tells whether this client had to start the daemon.
  bool started_daemon() const;

 private:
  struct Connection;
  Client(ClientOptions options, std::shared_ptr<TimeLimit> limit,
         std::unique_ptr<Connection> connection);

  static Result<std::unique_ptr<Connection>> open(const ClientOptions& options,
                                                  std::chrono::milliseconds timeout,
                                                  std::shared_ptr<TimeLimit> limit);
  template <typename Call>
  auto with_reconnect(const Call& call) -> decltype(call());
  template <typename Method, typename Request>
  auto ask(Method method, const Request& request);
  Result<v1::RerankResponse> ask_for_scores(const v1::RerankRequest& request);
  Result<v1::RerankResponse> score_once(const v1::RerankRequest& request);
  Result<InfoReport> info_once();
  void note_daemon(const InfoReport& report);
  Status wait_ready_once();
  Status load_once();
  Status reconnect();
  Error explain(Error error) const;
  const std::shared_ptr<grpc::Channel>& channel() const;
  void note_progress();
  Result<std::chrono::milliseconds> time_left() const;

  class Stream;  // embed_stream.cpp

  ClientOptions options_;
  std::shared_ptr<TimeLimit> limit_;  // Of what gRPC does, which may not return.
  SteadyTime until_;                  // Unless there is progress before.
  std::unique_ptr<Connection> connection_;
  std::optional<InfoReport> known_;  // What the daemon told last.
  std::optional<WantedModel> wanted_;
  std::string model_;            // Its name on this connection; empty: the default one.
  std::string loaded_identity_;  // What it was when it was loaded.
};

}  // namespace runed::client
