// EmbedStream over a raw gRPC client.
#include <grpcpp/client_context.h>

#include <atomic>
#include <csignal>
#include <functional>
#include <map>
#include <thread>

#include "os/machine/memory.hpp"
#include "stub.hpp"
#include "support/eventually.hpp"
#include "support/result_matchers.hpp"

namespace v1 = runed::v1;
using runed::test::connect;
using runed::test::cosine;
using runed::test::eventually;
using runed::test::health;
using runed::test::Home;
using runed::test::info_of;
using runed::test::kReferenceCosine;
using runed::test::reference_texts;
using runed::test::Running;
using runed::test::Stub;
using runed::test::vector_of;
using namespace std::chrono_literals;

namespace {

// One stream, and what the client does with it.
class Stream {
 public:
  explicit Stream(const Home& home) : stub_(connect(home)) {
    context_.set_deadline(std::chrono::system_clock::now() + 60s);
    call_ = stub_->EmbedStream(&context_);
  }

  bool send(const v1::EmbedOptions& options) {
    v1::EmbedStreamRequest request;
    *request.mutable_options() = options;
    return call_->Write(request);
  }
  bool send(uint64_t id, const std::string& text) {
    v1::EmbedStreamRequest request;
    request.mutable_item()->set_id(id);
    request.mutable_item()->set_text(text);
    return call_->Write(request);
  }
  void close() { call_->WritesDone(); }
  std::optional<v1::EmbedStreamResponse> receive() {
    v1::EmbedStreamResponse response;
    if (!call_->Read(&response)) return std::nullopt;
    return response;
  }
  grpc::Status finish() { return call_->Finish(); }
  void cancel() { context_.TryCancel(); }

 private:
  std::unique_ptr<Stub> stub_;
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReaderWriter<v1::EmbedStreamRequest, v1::EmbedStreamResponse>> call_;
};

struct Ending {
  std::function<void()> act;
  ~Ending() { act(); }
};

}  // namespace

TEST_CASE("a stream answers each text once, whatever the order", "[stream]") {
  Home home;
  const Running daemon = home.serve();
  Stream stream(home);
  const auto& texts = reference_texts();
  std::thread sender([&] {
    for (size_t i = 0; i < texts.size(); ++i) stream.send(i + 7, texts[i].text);
    stream.close();
  });
  std::map<uint64_t, v1::EmbedResponse> answers;
  while (const auto response = stream.receive()) {
    INFO(response->error().message());
    REQUIRE(response->has_embedding());
    CHECK(answers.emplace(response->id(), response->embedding()).second);
  }
  sender.join();
  CHECK(stream.finish().ok());
  REQUIRE(answers.size() == texts.size());
  for (size_t i = 0; i < texts.size(); ++i) {
    const auto& answer = answers.at(i + 7);
    CHECK(cosine(vector_of(answer), texts[i].vector) >= kReferenceCosine);
    CHECK(answer.token_count() == texts[i].ids.size());
  }
  CHECK(health(*connect(home)).total_requests() == 1);
}

TEST_CASE("a text that cannot be embedded fails alone, with its reason", "[stream]") {
  Home home;
  const Running daemon = home.serve();
  Stream stream(home);
  std::string longest;
  for (int i = 0; i < 600; ++i) longest += " word";
  stream.send(1, "before");
  stream.send(2, longest);
  stream.send(3, "");
  stream.send(4, "after");
  stream.close();
  std::map<uint64_t, v1::EmbedStreamResponse> answers;
  while (const auto response = stream.receive()) answers[response->id()] = *response;
  CHECK(stream.finish().ok());
  REQUIRE(answers.size() == 4);
  CHECK(answers[1].has_embedding());
  CHECK(answers[2].error().code() == grpc::StatusCode::INVALID_ARGUMENT);
  const auto info = info_of(answers[2].error());
  CHECK(info.reason() == "TEXT_TOO_LONG");
  CHECK(info.domain() == "runed.v1");
  CHECK(info.metadata().at("tokens") == "601");
  CHECK(info.metadata().at("limit") == "512");
  CHECK(info_of(answers[3].error()).reason() == "EMPTY_TEXT");
  CHECK(answers[4].has_embedding());
}

TEST_CASE("the options of a stream are those of a call, and come first", "[stream]") {
  Home home;
  const Running daemon = home.serve();
  v1::EmbedOptions options;
  options.set_input_type(v1::INPUT_TYPE_QUERY);
  options.set_dimensions(64);
  v1::EmbedRequest request;
  request.set_text("capital of China?");
  request.set_input_type(v1::INPUT_TYPE_QUERY);
  request.set_dimensions(64);
  v1::EmbedResponse expected;
  grpc::ClientContext context;
  REQUIRE(connect(home)->Embed(&context, request, &expected).ok());
  {
    Stream stream(home);
    stream.send(options);
    stream.send(1, "capital of China?");
    stream.close();
    const auto answer = stream.receive();
    REQUIRE(answer.has_value());
    CHECK(answer->embedding().vector_size() == 64);
    CHECK(answer->embedding().token_count() == expected.token_count());
    CHECK(cosine(vector_of(answer->embedding()), vector_of(expected)) >= 0.9999);
    CHECK(stream.finish().ok());
  }
  for (const bool is_after_text : {true, false}) {
    Stream stream(home);
    if (is_after_text) {
      stream.send(1, "text");
    } else {
      stream.send(options);
    }
    stream.send(options);
    while (stream.receive().has_value()) {
    }
    const auto status = stream.finish();
    CHECK(status.error_code() == grpc::StatusCode::INVALID_ARGUMENT);
    CHECK(status.error_message() == "the options must be the first frame");
  }
  options.set_with_route(true);
  Stream stream(home);
  stream.send(options);
  CHECK_FALSE(stream.receive().has_value());
  CHECK(stream.finish().error_code() == grpc::StatusCode::FAILED_PRECONDITION);
}

TEST_CASE("a stream without texts ends well", "[stream]") {
  Home home;
  const Running daemon = home.serve();
  Stream stream(home);
  stream.close();
  CHECK_FALSE(stream.receive().has_value());
  CHECK(stream.finish().ok());
}

TEST_CASE("who sends and does not read is held back, and holds back nobody", "[stream]") {
  Home home;
  const Running daemon = home.serve();
  home.run({"embed", "warm"});
  const auto before = runed::os::resident_bytes_of(daemon.pid());
  Stream stream(home);
  std::atomic<size_t> sent{0};
  // Short texts, so that results pile up soon on a busy machine, too.
  std::jthread sender([&] {
    for (size_t i = 0; i < 2'000'000 && stream.send(i, fmt::format("text {}", i)); ++i) ++sent;
  });
  const Ending cancel{[&] { stream.cancel(); }};  // Else the sender is never joined.
  size_t last = 0;
  REQUIRE(eventually(
      [&] {  // Nothing more goes out for a while.
        std::this_thread::sleep_for(300ms);
        return std::exchange(last, sent) == sent && sent > 0;
      },
      60s));
  CHECK(sent < 200'000);
  CHECK(home.run({"embed", "another client"}).exit_code == 0);
  CHECK(runed::os::resident_bytes_of(daemon.pid()) < before + (64 << 20));
  stream.cancel();
  sender.join();
  CHECK(stream.finish().error_code() == grpc::StatusCode::CANCELLED);
  CHECK(eventually([&] { return health(*connect(home)).queue_tokens() == 0; }, 60s));
}

TEST_CASE("a daemon that ends answers what it took, and says so to its streams", "[stream]") {
  Home home;
  Running daemon = home.serve();
  Stream stream(home);
  REQUIRE(stream.send(1, "taken"));
  REQUIRE(stream.receive().has_value());
  const auto begin = std::chrono::steady_clock::now();
  daemon.signal(SIGTERM);
  CHECK_FALSE(stream.receive().has_value());
  const auto status = stream.finish();
  CHECK(status.error_code() == grpc::StatusCode::UNAVAILABLE);
  google::rpc::Status details;
  REQUIRE(details.ParseFromString(status.error_details()));
  CHECK(info_of(details).reason() == "SHUTTING_DOWN");
  CHECK(daemon.finish().exit_code == 0);
  CHECK(std::chrono::steady_clock::now() - begin < 3s);
}
