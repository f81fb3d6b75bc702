#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "embed/llama_server/process/liveness.hpp"
#include "embed/llama_server/process/server_process.hpp"
#include "embed/llama_server/process/server_shape.hpp"
#include "embed/llama_server/protocol/http_client.hpp"

namespace runed::embed::llama_server {

/// How long a llama-server may take for what.
struct ServerPatience {
  std::chrono::milliseconds listen{30'000};   // From its start to its socket.
  std::chrono::milliseconds load{60'000};     // From its start to ready, and more for its model:
  uint64_t load_bytes_per_second = 10 << 20;  // at the speed of a slow disk.
  std::chrono::milliseconds stop{5'000};      // From SIGTERM to SIGKILL.
  Liveness::Limits answer{};                  // For a pass.
};

/// A llama-server that has loaded its model.
struct RunningServer {
  Endpoint endpoint;
  std::unique_ptr<ServerProcess> process;
  std::unique_ptr<HttpClient> client;
};

struct StartHooks {
  const Clock& clock;
  const std::atomic<bool>& is_interrupted;  // Once true, a start is given up.
  std::function<void()> on_end;             // As ServerProcess::Options::on_end.
};

/// Starts a llama-server and waits until it answers that it is ready. It listens where nobody else
/// can talk to it: in a directory of ours, or with a key made for it.
/// Errors: engine_died if it is not ready in time or ends; engine_killed; shutting_down; those of
///         ServerProcess::start.
Result<RunningServer> start_server(const ServerCommand& command, const ModelDescription& model,
                                   const ServerFeatures& features, const ServerShape& shape,
                                   const ServerPatience& patience, const StartHooks& hooks);

}  // namespace runed::embed::llama_server
