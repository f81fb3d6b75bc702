// What a daemon does with more than it can compute, over a raw gRPC client.
#include <grpcpp/client_context.h>

#include <thread>

#include "stub.hpp"
#include "support/eventually.hpp"

namespace v1 = runed::v1;
using runed::test::connect;
using runed::test::engine_under_test;
using runed::test::eventually;
using runed::test::health;
using runed::test::Home;
using runed::test::info_of;
using runed::test::peak_kib;
using runed::test::Running;
using runed::test::Stub;
using runed::test::vector_of;
using namespace std::chrono_literals;

namespace {

// A batch that keeps the engine busy for a second and more.
v1::EmbedBatchRequest long_batch(size_t texts) {
  v1::EmbedBatchRequest request;
  for (size_t i = 0; i < texts; ++i) {
    std::string text;
    for (int word = 0; word < 450; ++word) text += fmt::format("w{} ", (i + word) % 97);
    request.add_texts(fmt::format("{} {}", i, text));
  }
  request.set_truncate(v1::TRUNCATE_RIGHT);
  return request;
}

struct Answer {
  grpc::Status status;
  v1::EmbedResponse reply;
};

Answer embed(Stub& stub, const v1::EmbedRequest& request) {
  grpc::ClientContext context;
  Answer answer;
  answer.status = stub.Embed(&context, request, &answer.reply);
  return answer;
}

// A batch that was sent, and is under way in the daemon.
class Busy {
 public:
  Busy(Stub& stub, size_t texts, int64_t tokens = 1000)
      : thread_([this, &stub, texts] {
          context_.set_deadline(std::chrono::system_clock::now() + 100s);
          v1::EmbedBatchResponse response;
          status_ = stub.EmbedBatch(&context_, long_batch(texts), &response);
        }) {
    REQUIRE(eventually([&] { return health(stub).queue_tokens() > tokens; }));
  }
  ~Busy() {
    context_.TryCancel();
    thread_.join();
  }
  grpc::Status finish() {
    thread_.join();
    thread_ = std::thread([] {});
    return status_;
  }

 private:
  grpc::ClientContext context_;
  grpc::Status status_;
  std::thread thread_;
};

}  // namespace

TEST_CASE("a full queue refuses at once, and says when to come again", "[queue]") {
  Home home;
  const Running daemon = home.serve();
  const auto stub = connect(home);
  v1::EmbedResponse embedded;
  v1::EmbedRequest text;
  text.set_text("so that the rate is known");
  grpc::ClientContext first;
  REQUIRE(stub->Embed(&first, text, &embedded).ok());

  const Busy busy(*stub, 1000);  // Some 500,000 tokens: three of it are too many.
  const Busy busier(*stub, 1000, 600'000);
  grpc::ClientContext context;
  v1::EmbedBatchResponse response;
  const auto begin = std::chrono::steady_clock::now();
  const grpc::Status status = stub->EmbedBatch(&context, long_batch(1000), &response);
  CHECK(std::chrono::steady_clock::now() - begin < 1s);
  REQUIRE(status.error_code() == grpc::StatusCode::RESOURCE_EXHAUSTED);
  google::rpc::Status details;
  google::rpc::RetryInfo retry;
  REQUIRE(details.ParseFromString(status.error_details()));
  REQUIRE(details.details_size() == 2);
  REQUIRE(details.details(1).UnpackTo(&retry));
  const auto info = info_of(details);
  CHECK(info.reason() == "QUEUE_FULL");
  const double seconds = static_cast<double>(retry.retry_delay().seconds()) +
                         static_cast<double>(retry.retry_delay().nanos()) / 1e9;
  CHECK(seconds > 0);
  CHECK(seconds <= 60);
  CHECK(std::abs(std::stod(info.metadata().at("retry_seconds")) - seconds) < 0.01);
  CHECK(health(*stub).load().refused_calls() == 1);
  // The other class has room.
  grpc::ClientContext again;
  text.set_text("another text");
  CHECK(stub->Embed(&again, text, &embedded).ok());
}

TEST_CASE("a call that expires leaves the queue, and costs no more forward passes", "[queue]") {
  Home home;
  const Running daemon = home.serve();
  const auto stub = connect(home);
  const int64_t texts = engine_under_test() == "native" ? 1000 : 100;
  const int64_t late = 300;  // Texts of a call that would take some half a second.
  {
    Busy busy(*stub, static_cast<size_t>(texts));
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + 100ms);
    v1::EmbedBatchRequest request = long_batch(static_cast<size_t>(late));
    for (std::string& text : *request.mutable_texts()) text = "late " + text;
    v1::EmbedBatchResponse response;
    CHECK(stub->EmbedBatch(&context, request, &response).error_code() ==
          grpc::StatusCode::DEADLINE_EXCEEDED);
    CHECK(busy.finish().ok());
  }
  REQUIRE(eventually([&] { return health(*stub).queue_tokens() == 0; }));
  // A pass is counted when its replies are out.
  REQUIRE(eventually([&] { return health(*stub).load().pass_texts() >= texts; }));
  CHECK(health(*stub).load().cancelled_calls() == 1);
  CHECK(health(*stub).load().pass_texts() < texts + late / 2);
}

TEST_CASE("a query does not wait for the bulk before it", "[queue]") {
  Home home;
  const Running daemon = home.serve();
  const auto stub = connect(home);
  Busy busy(*stub, engine_under_test() == "native" ? 1000 : 100);
  for (int i = 0; i < 5; ++i) {
    grpc::ClientContext context;
    v1::EmbedRequest request;
    request.set_text(fmt::format("query {}", i));
    v1::EmbedResponse response;
    REQUIRE(stub->Embed(&context, request, &response).ok());
  }
  CHECK(health(*stub).queue_tokens() > 0);  // The batch is still under way.
  CHECK(busy.finish().ok());
}

TEST_CASE("a text that was asked for already is not computed again", "[queue]") {
  Home home;
  const Running daemon = home.serve();
  const auto stub = connect(home);
  std::vector<std::vector<float>> vectors(2);
  for (auto& vector : vectors) {
    grpc::ClientContext context;
    v1::EmbedRequest request;
    request.set_text("the same text");
    v1::EmbedResponse response;
    REQUIRE(stub->Embed(&context, request, &response).ok());
    vector = vector_of(response);
    CHECK(response.token_count() > 1);
  }
  CHECK(vectors[0] == vectors[1]);
  // A pass is counted when its replies are out.
  CHECK(eventually([&] { return health(*stub).load().pass_texts() == 1; }));
  CHECK(health(*stub).load().cached_texts() == 1);
  CHECK(health(*stub).load().cache_bytes() > 0);
}

TEST_CASE("a text of any size costs no more than the model can take of it", "[queue]") {
  Home home;
  const Running daemon = home.serve();
  const auto stub = connect(home);
  const uint64_t before = peak_kib(daemon.pid());
  std::string text;
  while (text.size() < 60'000'000) text += "some words of a text ";
  v1::EmbedRequest request;
  request.set_text(text);
  const auto [refused, none] = embed(*stub, request);
  CHECK(refused.error_code() == grpc::StatusCode::INVALID_ARGUMENT);
  CHECK(info_of(refused).reason() == "TEXT_TOO_LONG");
  CHECK(info_of(refused).metadata().at("limit") == "512");
  CHECK(info_of(refused).metadata().at("bytes") == std::to_string(text.size()));
  for (const auto side : {v1::TRUNCATE_RIGHT, v1::TRUNCATE_LEFT}) {
    request.set_text(text);
    request.set_truncate(side);
    const auto [taken, vector] = embed(*stub, request);
    CHECK(taken.ok());
    CHECK(vector.token_count() == 512);
    CHECK(vector.tokens_dropped() > 0);
    request.set_text(side == v1::TRUNCATE_RIGHT ? text.substr(0, 10'000)
                                                : text.substr(text.size() - 10'000));
    CHECK(vector_of(embed(*stub, request).reply) == vector_of(vector));
  }
  CHECK(peak_kib(daemon.pid()) < before + (400 << 10));
}

TEST_CASE("more texts than a batch may have are counted, not read", "[queue]") {
  Home home;
  const Running daemon = home.serve();
  const auto stub = connect(home);
  const uint64_t before = peak_kib(daemon.pid());
  grpc::ClientContext context;
  v1::EmbedBatchResponse response;
  v1::EmbedBatchRequest request;
  for (int i = 0; i < 20'000'000; ++i) request.add_texts();
  const grpc::Status status = stub->EmbedBatch(&context, request, &response);
  CHECK(status.error_code() == grpc::StatusCode::INVALID_ARGUMENT);
  CHECK(info_of(status).reason() == "BATCH_TOO_LARGE");
  CHECK(info_of(status).metadata().at("texts") == "20000000");
  CHECK(peak_kib(daemon.pid()) < before + (200 << 10));
}
