#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/result.hpp"
#include "os/process/child.hpp"

namespace runed::bench {

/// Serves Embed, EmbedBatch and EmbedStream on a Unix socket as the daemon does, without anything
/// behind them. Until the process is killed.
/// Errors: what listening can give.
Status run_echo_server(const std::string& path, uint32_t dimension);

/// The bare server, in a process of its own that dies with this one.
class EchoServer {
 public:
  static Result<std::unique_ptr<EchoServer>> start(uint32_t dimension);

  ~EchoServer();
  EchoServer(const EchoServer&) = delete;
  EchoServer& operator=(const EchoServer&) = delete;

  const std::string& socket() const { return socket_; }

 private:
  EchoServer(os::Child child, std::string directory, std::string socket)
      : child_(std::move(child)), directory_(std::move(directory)), socket_(std::move(socket)) {}

  os::Child child_;
  std::string directory_;
  std::string socket_;
};

}  // namespace runed::bench
