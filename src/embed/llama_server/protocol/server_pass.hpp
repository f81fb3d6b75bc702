#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "embed/engine.hpp"
#include "embed/llama_server/process/liveness.hpp"
#include "embed/llama_server/process/server_process.hpp"
#include "embed/llama_server/process/server_shape.hpp"
#include "embed/llama_server/protocol/http_client.hpp"

namespace runed::embed::llama_server {

/// One batch on its way through a llama-server, which is watched meanwhile.
class ServerPass {
 public:
  /// The server that computes, and what is told to leave it. All are borrowed.
  struct Server {
    ServerProcess& process;
    HttpClient& client;
    const Clock& clock;
    const std::atomic<bool>& is_interrupted;
  };

  /// Prepares the requests: texts in their order, up to `request_tokens` in each.
  ServerPass(const Server& server, const PackedBatch& batch, uint32_t request_tokens,
             const Liveness::Limits& limits);
  ServerPass(const ServerPass&) = delete;
  ServerPass& operator=(const ServerPass&) = delete;
  ~ServerPass() { server_.client.abandon(); }  // No reply may come back to it.

  /// Sends them, two at a time, and collects the vectors.
  /// Shapes: [n_texts, dimension] f32; dimension 0: as the first vector has, for a single text.
  /// Errors: not_finite, engine_fault, shutting_down, cancelled; engine_died and engine_killed: the process has
  ///         ended, or hangs and must be ended.
  Result<std::vector<float>> run(uint32_t dimension);

 private:
  struct Part {
    size_t first;  // Texts [first, last).
    size_t last;
  };

  void send_next(uint32_t dimension);
  void take(const Part& part, HttpReply reply, uint32_t dimension);
  void probe();
  Status watch();
  Error lost(const std::string& reason);

  const Server server_;
  const PackedBatch& batch_;
  std::vector<Part> parts_;
  Liveness liveness_;
  size_t next_ = 0;       // Part to send.
  size_t under_way_ = 0;  // Parts sent and not answered.
  bool probing_ = false;
  SteadyTime probed_;
  SteadyTime looked_;
  std::vector<float> vectors_;
  std::optional<Error> failure_;
};

}  // namespace runed::embed::llama_server
