#pragma once

#include <memory>
#include <mutex>
#include <string_view>
#include <utility>
#include <vector>

#include "embed/llama_server/protocol/http_client.hpp"
#include "embed/tokenizer/tokenizer.hpp"

namespace runed::embed::llama_server {

/// The tokenizer of a model that only llama-server can tokenise for: asks the running server.
class ServerTokenizer final : public Tokenizer {
 public:
  /// Errors: those of HttpClient::create.
  static Result<std::shared_ptr<const ServerTokenizer>> create(const Endpoint& endpoint);

  /// Errors: also engine_restarting if the server cannot be asked.
  Result<std::vector<TokenId>> tokenize(std::string_view text) const override;

  bool is_local() const override { return false; }

 private:
  explicit ServerTokenizer(std::unique_ptr<HttpClient> client) : client_(std::move(client)) {}

  mutable std::mutex mutex_;  // Guards the client, which is for one thread at a time.
  const std::unique_ptr<HttpClient> client_;
};

}  // namespace runed::embed::llama_server
