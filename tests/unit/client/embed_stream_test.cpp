// Client::embed_stream against a service that follows a script.
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <grpcpp/server_context.h>

#include <atomic>
#include <functional>
#include <mutex>

#include "client/client.hpp"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "os/net/wakeup.hpp"
#include "runed/v1/runed.grpc.pb.h"
#include "support/result_matchers.hpp"
#include "support/temp_dir.hpp"

namespace v1 = runed::v1;
using runed::Embedding;
using runed::Error;
using runed::ErrorCode;
using runed::Result;
using runed::Status;
using runed::client::Client;
using runed::client::ResultSink;
using runed::client::StartPolicy;
using runed::client::TextSource;
using runed::test::TempDir;
using runed::test::unwrap;
using runed::test::unwrap_error;
using namespace std::chrono_literals;

namespace {

using Stream = grpc::ServerReaderWriter<v1::EmbedStreamResponse, v1::EmbedStreamRequest>;

google::rpc::Status fault(const std::string& reason, bool is_about_text = true) {
  google::rpc::ErrorInfo info;
  info.set_domain("runed.v1");
  info.set_reason(reason);
  if (is_about_text) (*info.mutable_metadata())["index"] = "0";
  google::rpc::Status status;
  status.set_code(grpc::StatusCode::INTERNAL);
  status.set_message("scripted: " + reason);
  status.add_details()->PackFrom(info);
  return status;
}

grpc::Status end_with(grpc::StatusCode code, const std::string& reason) {
  return {code, "scripted: " + reason, fault(reason, false).SerializeAsString()};
}

// One call: what it was sent, and what it answers.
class Call {
 public:
  Call(Stream& stream, std::vector<std::string>& sent) : stream_(stream), sent_(sent) {}

  std::optional<uint64_t> receive() {
    v1::EmbedStreamRequest request;
    while (stream_.Read(&request)) {
      if (!request.has_item()) continue;
      sent_.push_back(request.item().text());
      return request.item().id();
    }
    return std::nullopt;
  }
  void answer(uint64_t id) {
    v1::EmbedStreamResponse response;
    response.set_id(id);
    response.mutable_embedding()->add_vector(static_cast<float>(id));
    stream_.Write(response);
  }
  void refuse(uint64_t id, const std::string& reason) {
    v1::EmbedStreamResponse response;
    response.set_id(id);
    *response.mutable_error() = fault(reason);
    stream_.Write(response);
  }
  grpc::Status answer_all() {
    while (const auto id = receive()) answer(*id);
    return grpc::Status::OK;
  }

 private:
  Stream& stream_;
  std::vector<std::string>& sent_;
};

using Script = std::function<grpc::Status(Call&)>;

class ScriptedDaemon final : public v1::RunedService::Service {
 public:
  explicit ScriptedDaemon(std::vector<Script> calls) : calls_(std::move(calls)) {
    grpc::ServerBuilder builder;
    builder.AddListeningPort("unix:" + (dir_ / "sock"), grpc::InsecureServerCredentials());
    builder.RegisterService(this);
    server_ = builder.BuildAndStart();
    REQUIRE(server_ != nullptr);
  }
  ~ScriptedDaemon() override { server_->Shutdown(std::chrono::system_clock::now()); }

  Client connect(std::chrono::milliseconds timeout = 20s) {
    return unwrap(Client::connect({.daemon = {.home = dir_.path(),
                                              .socket_path = dir_ / "sock",
                                              .spawn_lock = dir_ / "lock",
                                              .log_path = dir_ / "log",
                                              .arguments = {"/bin/false"}},
                                   .start = StartPolicy::on_demand,
                                   .timeout = timeout,
                                   .on_loading = {}}));
  }

  // Only after the client is done.
  const std::vector<std::string>& sent(size_t call) const { return sent_[call]; }
  size_t calls() const { return count_; }

  std::atomic<bool> is_loading = false;  // At the next Health, once.
  std::atomic<bool> is_another = false;  // Its model, from now on.
  std::atomic<bool> ends_at_info = false;  // Once, and is back without a model, since it is loading.

 private:
  grpc::Status EmbedStream(grpc::ServerContext* /*context*/, Stream* stream) override {
    const size_t number = count_++;
    if (number >= calls_.size()) return end_with(grpc::StatusCode::INTERNAL, "NO_SCRIPT");
    Call call(*stream, sent_[number]);
    return calls_[number](call);
  }
  grpc::Status Health(grpc::ServerContext* /*context*/, const v1::HealthRequest* /*request*/,
                      v1::HealthResponse* response) override {
    const bool was_loading = is_loading.exchange(false);
    response->set_status(was_loading ? v1::HealthResponse::STATUS_LOADING
                                     : v1::HealthResponse::STATUS_OK);
    if (!was_loading) has_model_ = true;
    return grpc::Status::OK;
  }
  grpc::Status Info(grpc::ServerContext* /*context*/, const v1::InfoRequest* /*request*/,
                    v1::InfoResponse* response) override {
    if (ends_at_info.exchange(false)) {
      has_model_ = false;
      is_loading = true;
      return end_with(grpc::StatusCode::UNAVAILABLE, "SHUTTING_DOWN");
    }
    if (has_model_) response->set_model_identity(is_another ? "sha256:another" : "sha256:one");
    return grpc::Status::OK;
  }

  TempDir dir_;
  std::vector<Script> calls_;
  std::array<std::vector<std::string>, 8> sent_;
  std::atomic<size_t> count_ = 0;
  std::atomic<bool> has_model_ = true;
  std::unique_ptr<grpc::Server> server_;
};

// `t0`, `t1` and so on.
class Numbered final : public TextSource {
 public:
  explicit Numbered(size_t count) : count_(count) {}
  Result<Next> next() override {
    if (next_ == count_) return Next{};
    return Next{State::text, fmt::format("t{}", next_++)};
  }
  int fd() const override { return never_.fd(); }

 private:
  size_t count_;
  size_t next_ = 0;
  runed::os::Wakeup never_;
};

// Collects, and finds out whether they come in order.
class Collected final : public ResultSink {
 public:
  Status take(Embedding embedding) override {
    CHECK(embedding.vector == std::vector<float>{static_cast<float>(count++)});
    return {};
  }
  size_t count = 0;
};

Status embed(ScriptedDaemon& daemon, size_t texts, Collected& collected,
             std::chrono::milliseconds timeout = 20s) {
  Client client = daemon.connect(timeout);
  Numbered source(texts);
  return client.embed_stream({}, "sha256:one", source, collected);
}

grpc::Status answer_all(Call& call) {
  return call.answer_all();
}

}  // namespace

TEST_CASE("answers in any order are delivered in the order of the texts") {
  ScriptedDaemon daemon({[](Call& call) {
    std::vector<uint64_t> ids;
    while (ids.size() < 1000) ids.push_back(*call.receive());
    while (!ids.empty()) {
      call.answer(ids.back());
      ids.pop_back();
    }
    return call.answer_all();
  }});
  Collected collected;
  unwrap(embed(daemon, 5000, collected));
  CHECK(collected.count == 5000);
  CHECK(daemon.sent(0).size() == 5000);
}

TEST_CASE("a text that found the queue full is sent again") {
  ScriptedDaemon daemon({[](Call& call) {
    call.refuse(*call.receive(), "QUEUE_FULL");
    return call.answer_all();
  }});
  Collected collected;
  unwrap(embed(daemon, 3, collected));
  CHECK(collected.count == 3);
  CHECK(daemon.sent(0) == std::vector<std::string>{"t0", "t1", "t2", "t0"});
}

TEST_CASE("a daemon that is still loading is waited for") {
  ScriptedDaemon daemon({[](Call& /*call*/) {
                           return end_with(grpc::StatusCode::FAILED_PRECONDITION, "BOOTSTRAPPING");
                         },
                         answer_all});
  daemon.is_loading = true;
  Collected collected;
  unwrap(embed(daemon, 3, collected));
  CHECK(collected.count == 3);
}

TEST_CASE("a daemon that took the place of another is asked for its model once it has one") {
  ScriptedDaemon daemon({});
  Client client = daemon.connect();
  unwrap(client.wait_ready());
  daemon.ends_at_info = true;
  CHECK(unwrap(client.info()).model_identity == "sha256:one");
}

TEST_CASE("what a call did not answer is sent again on a new one, and nothing else") {
  const Script cut = [](Call& call) {
    for (int i = 0; i < 3; ++i) call.receive();
    call.answer(1);
    return end_with(grpc::StatusCode::UNAVAILABLE, "SHUTTING_DOWN");
  };
  const Script cut_again = [](Call& call) {
    call.answer(*call.receive());
    return grpc::Status(grpc::StatusCode::UNAVAILABLE, "gone");
  };
  ScriptedDaemon daemon({cut, cut_again, answer_all});
  Collected collected;
  unwrap(embed(daemon, 3, collected));
  CHECK(collected.count == 3);
  CHECK(daemon.sent(1).front() == "t0");
  CHECK(daemon.sent(2) == std::vector<std::string>{"t2"});
}

TEST_CASE("without a result in between a daemon is replaced once") {
  const Script cut = [](Call& call) {
    call.receive();
    return grpc::Status(grpc::StatusCode::UNAVAILABLE, "gone");
  };
  ScriptedDaemon daemon({cut, cut, answer_all});
  Collected collected;
  const Error error = unwrap_error(embed(daemon, 3, collected));
  CHECK(error.code == ErrorCode::unavailable);
  CHECK(daemon.calls() == 2);
  CHECK(collected.count == 0);
}

TEST_CASE("a model that changed is told before a vector of it is delivered") {
  ScriptedDaemon* self = nullptr;
  ScriptedDaemon daemon({[&self](Call& call) {
                           call.answer(*call.receive());
                           self->is_another = true;
                           return grpc::Status(grpc::StatusCode::UNAVAILABLE, "gone");
                         },
                         answer_all});
  self = &daemon;
  Collected collected;
  const Error error = unwrap_error(embed(daemon, 3, collected));
  CHECK(error.code == ErrorCode::model_mismatch);
  CHECK(error.message == "the model changed from 'sha256:one' to 'sha256:another' on the way");
  CHECK(collected.count == 1);
  CHECK(daemon.calls() == 1);
}

TEST_CASE("the first error in the order of the texts ends it, after the results before it") {
  ScriptedDaemon daemon({[](Call& call) {
    for (int i = 0; i < 5; ++i) call.receive();
    call.refuse(4, "NOT_FINITE");
    call.refuse(2, "ENGINE_CRASHED_ON_TEXT");
    call.answer(1);
    call.answer(0);
    return call.answer_all();
  }});
  Collected collected;
  const Error error = unwrap_error(embed(daemon, 5, collected));
  CHECK(error.code == ErrorCode::engine_crashed_on_text);
  CHECK(error.facts.text("index") == "2");
  CHECK(collected.count == 2);
}

TEST_CASE("an error of the whole call ends it with its reason") {
  ScriptedDaemon daemon({[](Call& /*call*/) {
    return end_with(grpc::StatusCode::INVALID_ARGUMENT, "BAD_DIMENSIONS");
  }});
  Collected collected;
  CHECK(unwrap_error(embed(daemon, 3, collected)).code == ErrorCode::bad_dimensions);
}

TEST_CASE("silence ends it when the time is over, and a result begins the time anew") {
  ScriptedDaemon daemon({[](Call& call) {
    call.answer(*call.receive());
    while (call.receive().has_value()) continue;
    return grpc::Status::OK;
  }});
  Collected collected;
  const Error error = unwrap_error(embed(daemon, 3, collected, 300ms));
  CHECK(error.code == ErrorCode::deadline_exceeded);
  CHECK(collected.count == 1);
}

TEST_CASE("an answer to a text that was not sent is the daemon's fault") {
  ScriptedDaemon daemon({[](Call& call) {
    call.receive();
    call.answer(77);
    return call.answer_all();
  }});
  Collected collected;
  const Error error = unwrap_error(embed(daemon, 3, collected));
  CHECK(error.message == "the daemon answered text 77, which is not waiting");
}
