#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "support/stand_in/answers.hpp"
#include "support/stand_in/connection.hpp"
#include "support/stand_in/modes.hpp"
#include "support/stand_in/record.hpp"

namespace runed::test {

/// Answers requests as llama-server does, but for the modes.
class Service {
 public:
  /// An empty key asks for none.
  Service(const Modes& modes, std::string api_key, Record& record);

  /// Serves one client until it goes. One thread a client.
  void serve(Connection connection);

 private:
  /// A request for embeddings.
  struct Asked {
    uint64_t number;  // Of such requests, from 1.
    std::vector<Ids> texts;
    Encoding encoding;
  };

  // Each tells whether the connection can take another request.
  bool answer(Connection& connection, const HttpRequest& request);
  bool tokenize(Connection& connection, const Json& document);
  bool embed(Connection& connection, const Json& document);
  bool send_vectors(Connection& connection, const Asked& asked);
  bool send_body(Connection& connection, const Asked& asked, const std::string& body) const;

  std::vector<std::vector<float>> vectors_of(const Asked& asked) const;
  void suffer(const Asked& asked);
  bool has_fault(std::string_view name, const Asked& asked) const;
  bool is_healthy() const;

  const Modes& modes_;
  const std::string api_key_;
  Record& record_;
  const std::chrono::steady_clock::time_point healthy_at_;
  std::atomic<bool> hangs_ = false;
  std::atomic<uint64_t> requests_ = 0;  // For embeddings.
  std::atomic<uint64_t> answers_ = 0;
  std::atomic<int> connections_ = 0;
};

}  // namespace runed::test
