#include "embed/llama_server/protocol/server_tokenizer.hpp"

#include "support/running_stand_in.hpp"

using runed::Error;
using runed::ErrorCode;
using runed::Json;
using runed::embed::TokenId;
using runed::embed::llama_server::ServerTokenizer;
using runed::test::RunningStandIn;
using runed::test::unwrap;
using runed::test::unwrap_error;

namespace {

std::shared_ptr<const ServerTokenizer> tokenizer_of(const RunningStandIn& server) {
  return unwrap(ServerTokenizer::create({.socket_path = server.socket()}));
}

}  // namespace

TEST_CASE("the server is asked for the ids, special tokens included") {
  const RunningStandIn server;
  const auto tokenizer = tokenizer_of(server);
  CHECK(unwrap(tokenizer->tokenize("AB\"\n")) == std::vector<TokenId>{65, 66, 34, 10, 256});
  const auto asked = server.record().bodies("/tokenize");
  REQUIRE(asked.size() == 1);
  CHECK(asked[0] == Json{{"content", "AB\"\n"}, {"add_special", true}, {"parse_special", true}});
}

TEST_CASE("the ids of a long text fit into the reply that is allowed") {
  const RunningStandIn server;
  CHECK(unwrap(tokenizer_of(server)->tokenize(std::string(500'000, 'x'))).size() == 500'001);
}

TEST_CASE("a text that is not UTF-8 is refused before the server is asked") {
  const RunningStandIn server;
  const Error error = unwrap_error(tokenizer_of(server)->tokenize("ab\xff"));
  CHECK(error.code == ErrorCode::not_utf8);
  CHECK(error.message == "the text is not UTF-8 at byte 2");
  CHECK(server.record().bodies("/tokenize").empty());
}

TEST_CASE("a server that is gone is about to be back") {
  RunningStandIn server;
  const auto tokenizer = tokenizer_of(server);
  unwrap(tokenizer->tokenize("text"));
  server.kill();
  const Error error = unwrap_error(tokenizer->tokenize("text"));
  CHECK(error.code == ErrorCode::engine_restarting);
  CHECK(error.message.starts_with("llama-server cannot tokenise: "));
  CHECK(error.hint == "try again in a moment");
}

TEST_CASE("a server that refuses to tokenise is quoted") {
  const RunningStandIn server({"never-healthy"});
  const Error error = unwrap_error(tokenizer_of(server)->tokenize("text"));
  CHECK(error.code == ErrorCode::internal);
  CHECK(error.message.find("Loading model") != std::string::npos);
}
