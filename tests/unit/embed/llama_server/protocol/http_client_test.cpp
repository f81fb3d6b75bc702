#include "embed/llama_server/protocol/http_client.hpp"

#include <set>

#include "support/running_stand_in.hpp"

using runed::embed::llama_server::HttpClient;
using runed::embed::llama_server::HttpReply;
using runed::embed::llama_server::HttpRequest;
using runed::test::eventually;
using runed::test::RunningStandIn;
using runed::test::unwrap;
using namespace std::chrono_literals;

namespace {

const HttpRequest kHealth{.path = "/health", .body = {}, .most_reply_bytes = 1000, .timeout = 10s};
const HttpRequest kEmbed{.path = "/v1/embeddings",
                         .body = R"({"input":[[1,2]]})",
                         .most_reply_bytes = 1'000'000,
                         .timeout = 10s};

std::unique_ptr<HttpClient> client_of(const RunningStandIn& server) {
  return unwrap(HttpClient::create({.socket_path = server.socket()}));
}

std::set<int> connections(const RunningStandIn& server) {
  std::set<int> numbers;
  for (const auto& request : server.record().requests)
    numbers.insert(request["connection"].get<int>());
  return numbers;
}

}  // namespace

TEST_CASE("requests one after the other share a connection") {
  const RunningStandIn server;
  const auto client = client_of(server);
  for (int i = 0; i < 3; ++i) {
    CHECK(client->ask(kHealth).body == R"({"status":"ok"})");
    CHECK(client->ask(kEmbed).status == 200);
  }
  CHECK(server.record().requests.size() == 6);
  CHECK(server.record().requests[0]["method"] == "GET");
  CHECK(server.record().requests[1]["method"] == "POST");
  CHECK(connections(server).size() == 1);
}

TEST_CASE("requests at the same time have a connection each, which are used again") {
  const RunningStandIn server({"slow=20"});
  const auto client = client_of(server);
  for (int round = 0; round < 3; ++round) {
    int done = 0;
    for (int i = 0; i < 2; ++i) {
      client->send(kEmbed, [&](const HttpReply& reply) {
        CHECK(reply.status == 200);
        ++done;
      });
    }
    REQUIRE(eventually([&] {
      client->run(10ms);
      return done == 2;
    }));
  }
  CHECK(connections(server).size() == 2);
}

TEST_CASE("a reply that is larger than allowed is none") {
  const RunningStandIn server;
  const auto client = client_of(server);
  HttpRequest request = kHealth;
  request.most_reply_bytes = 14;  // One less than it has.
  const HttpReply reply = client->ask(request);
  CHECK(reply.status == 0);
  CHECK(reply.failure == "more than 14 bytes");
  request.most_reply_bytes = 15;
  CHECK(client->ask(request).status == 200);
}

TEST_CASE("a reply without an end is cut off at the limit") {
  const RunningStandIn server({"endless-body"});
  CHECK(client_of(server)->ask(kEmbed).failure == "more than 1000000 bytes");
}

TEST_CASE("a reply that is too late is none, and the next request is answered") {
  const RunningStandIn server({"hang-but-healthy"});
  const auto client = client_of(server);
  HttpRequest request = kEmbed;
  request.timeout = 100ms;
  const HttpReply reply = client->ask(request);
  CHECK(reply.status == 0);
  CHECK(reply.failure.find("timed out") != std::string::npos);
  CHECK(client->ask(kHealth).status == 200);
}

TEST_CASE("a reply that breaks off, or a server that is gone, is none") {
  RunningStandIn server({"cut-body"});
  const auto client = client_of(server);
  CHECK(client->ask(kEmbed).status == 0);
  server.kill();
  const HttpReply reply = client->ask(kHealth);
  CHECK(reply.status == 0);
  CHECK_FALSE(reply.failure.empty());
}

TEST_CASE("of what was abandoned nothing is told") {
  const RunningStandIn server({"hang-but-healthy"});
  const auto client = client_of(server);
  bool is_told = false;
  client->send(kEmbed, [&](const HttpReply&) { is_told = true; });
  REQUIRE(eventually([&] {
    client->run(10ms);
    return !server.record().requests.empty();
  }));
  client->abandon();
  CHECK(client->ask(kHealth).status == 200);
  CHECK_FALSE(is_told);
  CHECK(connections(server).size() == 2);
}
