#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/result.hpp"

namespace runed::bench {

/// What came back for one text.
struct Answer {
  std::vector<float> vector;
  uint32_t tokens = 0;
};

struct Health {
  int status = 0;  // As runed.v1.HealthResponse.Status.
  int32_t restarts = 0;
  int64_t queue_tokens = 0;
};

/// A raw gRPC client with a connection of its own, which tries nothing twice.
class WireClient {
 public:
  explicit WireClient(const std::string& socket_path);
  ~WireClient();
  WireClient(const WireClient&) = delete;
  WireClient& operator=(const WireClient&) = delete;

  /// Returns what the daemon answered to an EmbedBatch, as many and in the order that it did.
  Result<std::vector<Answer>> embed(const std::vector<std::string>& texts);

  Result<Health> health();
  Result<int> daemon_pid();

 private:
  struct Connection;
  std::unique_ptr<Connection> connection_;
};

}  // namespace runed::bench
