// SetCentroids over a raw gRPC client, as the predecessor's are.
#include <grpcpp/generic/generic_stub.h>

#include <csignal>
#include <filesystem>
#include <thread>

#include "base/sha256.hpp"
#include "centroid_push.hpp"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "install_support.hpp"
#include "os/machine/memory.hpp"
#include "support/eventually.hpp"
#include "support/result_matchers.hpp"

namespace v1 = runed::v1;
namespace fs = std::filesystem;
using grpc::StatusCode;
using runed::test::batch;
using runed::test::eventually;
using runed::test::header;
using runed::test::Home;
using runed::test::kDim;
using runed::test::Mirror;
using runed::test::PushClient;
using runed::test::Pushed;
using runed::test::read_text;
using runed::test::Running;
using runed::test::write_text;
using namespace std::chrono_literals;

namespace {

/// The predecessor's recipe, written down anew.
std::string version_of(const std::vector<v1::SetCentroidsRequest>& batches, uint32_t dim,
                       const std::string& preset) {
  std::string rows;
  uint32_t count = 0;
  for (const auto& frame : batches) {
    for (const auto& centroid : frame.batch().centroids()) {
      ++count;
      rows.append(reinterpret_cast<const char*>(centroid.vec().data()),
                  static_cast<size_t>(centroid.vec_size()) * sizeof(float));
    }
  }
  const auto number = [](uint32_t value) {
    return std::string(reinterpret_cast<const char*>(&value), sizeof value);
  };
  return "sha256:" + runed::sha256_hex(number(dim) + number(count) + preset + '\0' + rows);
}

void check_refused(const Pushed& pushed, const std::string& message,
                   StatusCode code = StatusCode::INVALID_ARGUMENT) {
  CHECK(pushed.status.error_code() == code);
  CHECK(pushed.status.error_message() == message);
}

std::string reason_of(const grpc::Status& status) {
  google::rpc::Status details;
  google::rpc::ErrorInfo info;
  if (!details.ParseFromString(status.error_details()) || details.details_size() == 0 ||
      !details.details(0).UnpackTo(&info)) {
    return "";
  }
  return info.reason();
}

/// What a daemon started by `serve` has logged.
std::string log_of(Running& daemon) {
  daemon.signal(SIGTERM);
  return daemon.finish().err;
}

}  // namespace

TEST_CASE("a set that is pushed is in force, and a second push of it changes nothing",
          "[centroids]") {
  Home home;
  const Running daemon = home.serve();
  const PushClient client(home);
  CHECK(client.version_in_force().empty());
  const grpc::Status before = client.embed_with_route();
  CHECK(before.error_code() == StatusCode::FAILED_PRECONDITION);
  CHECK(reason_of(before) == "NO_CENTROID_SET");
  CHECK(before.error_message().starts_with("no centroid set loaded; "));
  const auto first = batch(3);
  const auto second = batch(2);
  const std::string version = version_of({first, second}, kDim, "IP1");
  const v1::SetCentroidsRequest nothing;
  for (int i = 0; i < 2; ++i) {
    const Pushed pushed = client.push(
        {nothing, header(version, kDim, "IP1", 99), nothing, first, batch(0), second, nothing});
    CAPTURE(pushed.status.error_message());
    REQUIRE(pushed.status.ok());
    CHECK(pushed.response.version() == version);
    CHECK(pushed.response.nlist() == 5);
    CHECK(client.version_in_force() == version);
  }
  CHECK(client.embed_with_route().ok());
}

TEST_CASE("a push that breaks a rule is refused in the predecessor's words, and changes nothing",
          "[centroids]") {
  Home home;
  const Running daemon = home.serve();
  const PushClient client(home);
  REQUIRE(client.push({header("kept"), batch(1)}).status.ok());
  check_refused(client.push({header("a"), header("a")}), "duplicate header frame");
  check_refused(client.push({header("a"), batch(1), header("a")}), "duplicate header frame");
  check_refused(client.push({batch(1)}), "batch frame before header");
  check_refused(client.push({}), "empty stream: header frame required");
  check_refused(client.push({{}}), "empty stream: header frame required");
  check_refused(client.push({header(""), batch(1)}), "route: centroid set is empty");
  check_refused(client.push({header("a", 7), batch(0)}), "route: centroid set is empty");
  check_refused(client.push({header("a", 1024), batch(1, 1024)}),
                "route: centroid dim 1024 does not match embedding dim 256");
  check_refused(client.push({header("a", 1024), batch(1)}),
                "route: centroid dim 1024 does not match embedding dim 256");
  check_refused(client.push({header("sha256:no", kDim, "IP1"), batch(2), batch(1, 255)}),
                "route: centroid 2 has dim 255, want 256");
  const auto rows = batch(2);
  check_refused(client.push({header("sha256:no", kDim, "IP1"), rows}),
                "route: centroid content does not match its version tag (" +
                    version_of({rows}, kDim, "IP1") + ", not 'sha256:no')");
  check_refused(client.push({header(std::string(129, 'v')), batch(1)}),
                "the version has 129 bytes, 128 are allowed");
  CHECK(client.version_in_force() == "kept");
}

TEST_CASE("a fault in the order of frames is answered at once", "[centroids]") {
  Home home;
  const Running daemon = home.serve();
  const PushClient client(home);
  for (const auto& frames : {std::vector{batch(1)}, std::vector{header("a"), header("a")}}) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + 10s);
    v1::SetCentroidsResponse response;
    const auto writer = client.stub->SetCentroids(&context, &response);
    for (const auto& frame : frames) writer->Write(frame);
    // Finish without WritesDone: the stream stays open on our side.
    CHECK(writer->Finish().error_code() == StatusCode::INVALID_ARGUMENT);
  }
}

TEST_CASE("half a set is never installed: the stream must have ended, not broken off",
          "[centroids]") {
  Home home;
  Running daemon = home.serve();
  const PushClient observer(home);
  REQUIRE(observer.push({header("kept"), batch(1)}).status.ok());
  const auto rows = batch(200);
  for (int i = 0; i < 100; ++i) {
    PushClient client(home);
    grpc::ClientContext context;
    v1::SetCentroidsResponse response;
    auto writer = client.stub->SetCentroids(&context, &response);
    writer->Write(header("half"));
    writer->Write(rows);
    if (i % 2 == 0) {
      context.TryCancel();
      writer->Finish();
    } else {
      context.set_deadline(std::chrono::system_clock::now());
      context.TryCancel();
      writer.reset();
      client.channel.reset();  // The connection goes too.
    }
  }
  CHECK(observer.version_in_force() == "kept");
  CHECK(log_of(daemon).find("\"half\"") == std::string::npos);
}

TEST_CASE("a frame that cannot be read ends the push", "[centroids]") {
  Home home;
  const Running daemon = home.serve();
  const PushClient client(home);
  grpc::GenericStub stub(client.channel);
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + 10s);
  grpc::CompletionQueue queue;
  const auto next = [&queue] {
    void* tag = nullptr;
    bool ok = false;
    return queue.Next(&tag, &ok) && ok;
  };
  const auto call = stub.PrepareCall(&context, "/runed.v1.RunedService/SetCentroids", &queue);
  call->StartCall(nullptr);
  REQUIRE(next());
  for (const std::string& frame : {header("half").SerializeAsString(), batch(1).SerializeAsString(),
                                   std::string("\x12\x7F")}) {
    const grpc::Slice slice(frame);
    call->Write(grpc::ByteBuffer(&slice, 1), nullptr);
    REQUIRE(next());
  }
  grpc::Status status;
  call->Finish(&status, nullptr);
  REQUIRE(next());
  CHECK(status.error_code() == StatusCode::INTERNAL);
  CHECK(client.version_in_force().empty());
}

TEST_CASE("a restart restores the set", "[centroids]") {
  Home home;
  {
    Running daemon = home.serve();
    REQUIRE(PushClient(home).push({header("v1"), batch(2)}).status.ok());
    daemon.signal(SIGKILL);
    daemon.finish();
  }
  Running daemon = home.serve();
  const PushClient client(home);
  CHECK(client.version_in_force() == "v1");
  CHECK(client.embed_with_route().ok());
  CHECK(log_of(daemon).find("\"msg\":\"centroid cache restored\",\"version\":\"v1\",\"nlist\":2") !=
        std::string::npos);
}

TEST_CASE("a flipped bit in the file is noticed, and the daemon starts without a set",
          "[centroids]") {
  Home home;
  {
    Running daemon = home.serve();
    REQUIRE(PushClient(home).push({header("v1"), batch(2)}).status.ok());
    CHECK(log_of(daemon).find("\"msg\":\"centroids: set installed\",\"version\":\"v1\","
                              "\"nlist\":2,\"dim\":256") != std::string::npos);
  }
  const std::string path = home / "cache/centroids.bin";
  std::string bytes = read_text(path);
  bytes[100] ^= 1;
  write_text(path, bytes);
  Running daemon = home.serve();
  const PushClient client(home);
  CHECK(client.version_in_force().empty());
  CHECK(reason_of(client.embed_with_route()) == "NO_CENTROID_SET");
  CHECK(log_of(daemon).find("\"WARN\",\"msg\":\"centroid cache rejected\"") != std::string::npos);
  CHECK(read_text(path) == bytes);
}

TEST_CASE("a set can be pushed while the model is fetched, and counts if it fits the model",
          "[centroids]") {
  for (const uint32_t dim : {kDim, 1024U}) {
    CAPTURE(dim);
    Mirror mirror;
    Home home;
    home.set("RUNED_MANIFEST", mirror.manifest_url());
    mirror.server.reply(
        "/tiny.gguf",
        {.body = mirror.small, .etag = "\"tiny\"", .stall_after = mirror.small.size_bytes / 2});
    {
      const Running loading = home.start({"serve"});
      REQUIRE(eventually([&] { return home.status()["phase"] == "fetching_model"; }));
      const PushClient client(home);
      check_refused(client.push({header("a", 0), batch(1, 0)}),
                    "route: centroid dim 0 does not match any embedding");
      check_refused(client.push({header("a", 3), batch(1, 4)}),
                    "route: centroid 0 has dim 4, want 3");
      REQUIRE(client.push({header("early", dim), batch(2, dim)}).status.ok());
      CHECK(client.version_in_force() == "early");
      CHECK(reason_of(client.embed_with_route()) == "BOOTSTRAPPING");
      CHECK(home.run({"shutdown", "--wait", "10"}).exit_code == 0);
    }
    mirror.server.reply("/tiny.gguf", {.body = mirror.small, .etag = "\"tiny\""});
    Running daemon = home.serve();
    const PushClient client(home);
    const uint32_t model_dim = [&] {
      grpc::ClientContext context;
      v1::InfoResponse info;
      client.stub->Info(&context, {}, &info);
      return static_cast<uint32_t>(info.vector_dim());
    }();
    const bool fits = dim == model_dim;
    CHECK(client.version_in_force() == (fits ? "early" : ""));
    CHECK(client.embed_with_route().ok() == fits);
    CHECK(fs::exists(home / "cache/centroids.bin"));
    CHECK((log_of(daemon).find("centroid cache rejected") == std::string::npos) == fits);
  }
}

TEST_CASE("a header that promises four billion centroids costs no memory", "[centroids]") {
  Home home;
  const Running daemon = home.serve();
  const PushClient client(home);
  REQUIRE(client.push({header("v1"), batch(1)}).status.ok());
  const uint64_t before = runed::os::resident_bytes_of(daemon.pid());
  REQUIRE(before > 0);
  const Pushed pushed = client.push({header("v2", kDim, "", 4'000'000'000), batch(3)});
  CHECK(pushed.status.ok());
  CHECK(pushed.response.nlist() == 3);
  CHECK(runed::os::resident_bytes_of(daemon.pid()) < before + (uint64_t{8} << 20));
}

TEST_CASE("clients that stall half-way cannot take the machine's memory, and it comes back",
          "[centroids]") {
  constexpr uint64_t kMib = uint64_t{1} << 20;
  Home home;
  const Running daemon = home.serve();
  const PushClient client(home);
  REQUIRE(client.push({header("kept"), batch(1)}).status.ok());
  const uint64_t before = runed::os::resident_bytes_of(daemon.pid());
  const auto rows = batch(8192);  // 8 MiB
  {
    struct Push {
      grpc::ClientContext context;
      v1::SetCentroidsResponse response;
      std::unique_ptr<grpc::ClientWriter<v1::SetCentroidsRequest>> writer;
    };
    std::vector<std::unique_ptr<Push>> stalled;
    int refused = 0;
    for (int i = 0; i < 100; ++i) {
      auto push = std::make_unique<Push>();
      push->writer = client.stub->SetCentroids(&push->context, &push->response);
      push->writer->Write(header("stalled"));
      push->writer->Write(rows);
      if (i >= 90) {  // There is no room by now.
        const grpc::Status status = push->writer->Finish();
        refused += status.error_code() == StatusCode::RESOURCE_EXHAUSTED ? 1 : 0;
        CHECK(status.error_message() == "too many centroids are on their way at once");
      }
      stalled.push_back(std::move(push));
    }
    CHECK(refused == 10);
    CHECK(runed::os::resident_bytes_of(daemon.pid()) < before + 640 * kMib);
    for (const auto& push : stalled) push->context.TryCancel();
  }
  CHECK(
      eventually([&] { return runed::os::resident_bytes_of(daemon.pid()) < before + 48 * kMib; }));
  CHECK(client.version_in_force() == "kept");
  CHECK(client.push({header("next"), rows}).status.ok());
}

TEST_CASE("a daemon that is stopped does not wait for a client that stalls", "[centroids]") {
  Home home;
  Running daemon = home.serve();
  const PushClient client(home);
  grpc::ClientContext context;
  v1::SetCentroidsResponse response;
  const auto writer = client.stub->SetCentroids(&context, &response);
  writer->Write(header("stalled"));
  CHECK(client.version_in_force().empty());  // The daemon has the stream by now.
  const auto begin = std::chrono::steady_clock::now();
  daemon.signal(SIGTERM);
  CHECK(daemon.finish().exit_code == 0);
  CHECK(std::chrono::steady_clock::now() - begin < 5s);
  CHECK_FALSE(writer->Finish().ok());
}

TEST_CASE("a set that cannot be written is in force, and the client need not know", "[centroids]") {
  Home home;
  Running daemon = home.serve();
  fs::create_directory(home / "cache/centroids.bin");  // Nothing can be renamed to it.
  const PushClient client(home);
  CHECK(client.push({header("v1"), batch(2)}).status.ok());
  CHECK(client.version_in_force() == "v1");
  CHECK(log_of(daemon).find("\"WARN\",\"msg\":\"centroids: persist failed (set is live in "
                            "memory)\"") != std::string::npos);
}

TEST_CASE("many push at once, and the file has the set that is in force", "[centroids]") {
  Home home;
  Running daemon = home.serve();
  std::vector<std::thread> threads;
  const auto rows = batch(64);
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&, i] {
      const PushClient client(home);
      for (int j = 0; j < 5; ++j) client.push({header(fmt::format("v{}.{}", i, j)), rows});
    });
  }
  for (auto& thread : threads) thread.join();
  const std::string version = PushClient(home).version_in_force();
  CHECK_FALSE(version.empty());
  log_of(daemon);
  const Running next = home.serve();
  CHECK(PushClient(home).version_in_force() == version);
}
