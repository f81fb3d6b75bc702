#include "embed/llama_server/protocol/server_tokenizer.hpp"

#include "base/json.hpp"
#include "base/text.hpp"
#include "embed/llama_server/protocol/embedding_reply.hpp"

namespace runed::embed::llama_server {
namespace {

constexpr std::chrono::milliseconds kTokenizeTime{30'000};
constexpr uint64_t kBytesOfToken = 16;
constexpr uint64_t kMostOverheadBytes = 65536;

Result<std::vector<TokenId>> read_tokens(std::string_view body) {
  const Json reply = parse_json(body).value_or(Json());
  const Error fault =
      make_error(ErrorCode::internal, "llama-server answered what is no list of tokens");
  if (!reply.is_object() || !reply.contains("tokens") || !reply["tokens"].is_array()) return fault;
  std::vector<TokenId> ids;
  for (const Json& token : reply["tokens"]) {
    if (!token.is_number_unsigned() || token.get<uint64_t>() > UINT32_MAX) return fault;
    ids.push_back(token.get<TokenId>());
  }
  return ids;
}

}  // namespace

Result<std::shared_ptr<const ServerTokenizer>> ServerTokenizer::create(const Endpoint& endpoint) {
  TRY_ASSIGN(auto client, HttpClient::create(endpoint));
  return std::shared_ptr<const ServerTokenizer>(new ServerTokenizer(std::move(client)));
}

Result<std::vector<TokenId>> ServerTokenizer::tokenize(std::string_view text) const {
  if (const auto invalid = find_invalid_utf8(text)) {
    return make_error(ErrorCode::not_utf8, "the text is not UTF-8 at byte {}", *invalid);
  }
  const Json request = {{"content", text}, {"add_special", true}, {"parse_special", true}};
  const std::lock_guard lock(mutex_);
  const HttpReply reply =
      client_->ask({.path = "/tokenize",
                    .body = to_line(request),
                    .most_reply_bytes = kMostOverheadBytes + (text.size() + 1) * kBytesOfToken,
                    .timeout = kTokenizeTime});
  if (reply.status == 0) {
    return make_error(ErrorCode::engine_restarting, "llama-server cannot tokenise: {}",
                      reply.failure)
        .with_hint("try again in a moment");
  }
  if (reply.status == kHttpOk) return read_tokens(reply.body);
  return make_error(ErrorCode::internal, "llama-server cannot tokenise: {}",
                    read_failure(reply.status, reply.body));
}

}  // namespace runed::embed::llama_server
