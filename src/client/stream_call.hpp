#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/embedding.hpp"
#include "base/result.hpp"
#include "client/time_limit.hpp"
#include "os/net/wakeup.hpp"

namespace grpc {
class Channel;
}

namespace runed::client {

/// One EmbedStream call. Two threads of its own write and read, so that whoever uses it never waits
/// for the daemon, and a daemon that does not read is still read from.
class StreamCall {
 public:
  struct Answer {
    uint64_t id = 0;
    Result<Embedding> result;
  };

  /// Begins the call, for a model by its name; empty: for the default one.
  /// Borrows `wakeup`, which is notified when there is something to take, and `limit`.
  StreamCall(const std::shared_ptr<grpc::Channel>& channel, const EmbedOptions& options,
             const std::string& model, os::Wakeup& wakeup, TimeLimit& limit);
  StreamCall(const StreamCall&) = delete;
  StreamCall& operator=(const StreamCall&) = delete;
  /// Cancels the call unless it has ended.
  ~StreamCall();

  void send(uint64_t id, std::shared_ptr<const std::string> text);

  /// Says that there are no more texts.
  void close();

  struct Taken {
    std::vector<Answer> answers;
    std::optional<Status> end;  // How the call ended, once there are no more answers.
  };
  Taken take();

 private:
  struct State;
  void end();

  TimeLimit& limit_;
  std::unique_ptr<State> state_;
};

}  // namespace runed::client
