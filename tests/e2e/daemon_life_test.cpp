#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <grpcpp/create_channel.h>

#include <csignal>
#include <filesystem>
#include <thread>

#include "os/file/files.hpp"
#include "os/net/unix_socket.hpp"
#include "os/process/process.hpp"
#include "runed/v1/runed.grpc.pb.h"
#include "runed_process.hpp"
#include "support/eventually.hpp"
#include "support/result_matchers.hpp"

namespace v1 = runed::v1;
using runed::Json;
using runed::test::cosine;
using runed::test::engine_under_test;
using runed::test::eventually;
using runed::test::Finished;
using runed::test::Home;
using runed::test::kReferenceCosine;
using runed::test::reference_texts;
using runed::test::Running;
using runed::test::unwrap;
using runed::test::vector_of;
using runed::test::write_text;
using namespace std::chrono_literals;

namespace {

void check_embeds(Home& home) {
  const auto& reference = reference_texts().front();
  const Finished done = home.run({"embed", "--json", reference.text});
  CAPTURE(done.err);
  REQUIRE(done.exit_code == 0);
  CHECK(cosine(vector_of(done.json(), 0), reference.vector) >= kReferenceCosine);
}

}  // namespace

TEST_CASE("after kill -9 the next embed starts another daemon", "[daemon_life]") {
  Home home;
  check_embeds(home);
  const int pid = home.status()["pid"];
  unwrap(runed::os::signal_process(pid, SIGKILL));
  REQUIRE(runed::os::wait_for_exit(pid, 5s));
  CHECK(std::filesystem::exists(home / "embedding.sock"));  // Stale: nobody cleaned up.
  check_embeds(home);
  CHECK(home.status()["pid"] != pid);
}

TEST_CASE("an idle daemon gives its memory back and takes it again", "[daemon_life]") {
  Home home;
  home.set("RUNED_IDLE_TIMEOUT", "300ms");
  check_embeds(home);
  const int64_t before = home.status()["resident_bytes"];
  const Json idle = home.wait_for_state("idle");
  CHECK(idle["resident_bytes"] < before);
#if !defined(__SANITIZE_ADDRESS__) && \
    !defined(__SANITIZE_THREAD__)  // They keep memory of their own.
  CHECK(idle["resident_bytes"] <= 25 << 20);
#endif
  CHECK(idle["model_name"] == "runed-mini");
  CHECK(home.run({"status"}).exit_code == 0);
  check_embeds(home);
  CHECK(home.status()["state"] == "ok");
  CHECK(home.status()["pid"] == idle["pid"]);
}

TEST_CASE("asking for the state does not keep a daemon awake", "[daemon_life]") {
  Home home;
  home.set("RUNED_IDLE_TIMEOUT", "500ms");
  check_embeds(home);
  home.wait_for_state("idle");  // Which asks all the time.
}

TEST_CASE("a wrong idle timeout is refused at once", "[daemon_life]") {
  Home home;
  home.set("RUNED_IDLE_TIMEOUT", "10");
  const Finished done = home.run({"serve"});
  CHECK(done.exit_code == 78);
  CHECK(done.err.find("RUNED_IDLE_TIMEOUT: invalid duration '10'") != std::string::npos);
  CHECK_FALSE(std::filesystem::exists(home / "embedding.sock"));
}

TEST_CASE("each of the three signals ends a daemon cleanly", "[daemon_life]") {
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    Home home;
    Running daemon = home.serve();
    daemon.signal(signal);
    CAPTURE(signal);
    CHECK(daemon.finish().exit_code == 0);
    CHECK_FALSE(std::filesystem::exists(home / "embedding.sock"));
  }
}

TEST_CASE("a signal at any moment of the start ends a daemon cleanly", "[daemon_life]") {
  for (int delay_us = 0; delay_us <= 40'000; delay_us += 4'000) {
    Home home;
    Running daemon = home.start({"serve"});
    daemon.wait_for(std::chrono::milliseconds(delay_us / 1000));
    // Before main runs the process dies of the signal, which nothing can help: dynamic linking.
    daemon.signal(SIGTERM);
    const int code = daemon.finish().exit_code;
    CAPTURE(delay_us, code);
    CHECK((code == 0 || code == 128 + SIGTERM));
    if (delay_us >= 30'000) CHECK_FALSE(std::filesystem::exists(home / "embedding.sock"));
  }
}

TEST_CASE("a second daemon of the same home steps back", "[daemon_life]") {
  Home home;
  Running first = home.serve();
  const Finished second = home.run({"serve"});
  CHECK(second.exit_code == 0);
  CHECK(second.err.find("already serving") != std::string::npos);
  CHECK(home.status()["pid"] == first.pid());
}

TEST_CASE("a daemon starts as soon as the one before it has gone", "[daemon_life]") {
  Home home;
  Running first = home.serve();
  first.signal(SIGSTOP);  // It holds the lock and does not answer.
  unwrap(runed::os::remove_file(home / "embedding.sock"));
  Running second = home.start({"serve"});
  CHECK_FALSE(second.wait_for(300ms));
  first.signal(SIGKILL);
  CHECK(first.finish().exit_code == 128 + SIGKILL);
  CHECK(home.run({"status", "--wait-ready", "10"}).exit_code == 0);
  CHECK(home.status()["pid"] == second.pid());
}

TEST_CASE("a daemon whose socket is taken away ends itself", "[daemon_life]") {
  Home home;
  Running daemon = home.serve();
  unwrap(runed::os::remove_file(home / "embedding.sock"));
  REQUIRE(daemon.wait_for(10s));
  const Finished done = daemon.finish();
  CHECK(done.exit_code == 0);
  CHECK(done.err.find("self-evicting") != std::string::npos);
}

TEST_CASE("a file at the socket's path is left alone", "[daemon_life]") {
  Home home;
  std::filesystem::create_directories(home.path());
  write_text(home / "embedding.sock", "precious");
  CHECK(home.run({"serve"}).exit_code != 0);
  const Finished done = home.run({"embed", "text"});
  CHECK(done.exit_code != 0);
  CHECK(done.err.find("a regular file is in its place") != std::string::npos);
  CHECK(unwrap(runed::os::read_file(home / "embedding.sock", 100)) == "precious");
}

TEST_CASE("a home too deep for a socket is served through the alias", "[daemon_life]") {
  std::string name(100, 'd');
  name += "/home";
  Home home(name);
  check_embeds(home);
  const std::string socket = home.status()["socket_path"];
  CHECK(socket.starts_with("/tmp/runed-"));
  CHECK_FALSE(std::filesystem::exists(home / "embedding.sock"));
  CHECK(std::filesystem::exists(home / "logs/daemon.log"));
}

TEST_CASE("a model that is no GGUF is named, and the daemon does not linger", "[daemon_life]") {
  Home home;
  write_text(home.file("model.gguf"), "this is not a model, but it is long enough to look at");
  home.set("RUNED_MODEL", home.file("model.gguf"));
  const Finished done = home.run({"embed", "text"});
  CAPTURE(done.err);
  CHECK(done.exit_code == 71);
  CHECK(done.out.empty());
  CHECK(done.err.find("model.gguf': not a GGUF file") != std::string::npos);
  CHECK(home.run({"shutdown", "--wait", "10"}).exit_code == 0);
  CHECK(home.run({"serve"}).exit_code == 71);
}

TEST_CASE("a model that is not there is named", "[daemon_life]") {
  Home home;
  home.set("RUNED_MODEL", home.file("missing.gguf"));
  const Finished done = home.run({"embed", "text"});
  CAPTURE(done.err);
  CHECK(done.err.find("missing.gguf") != std::string::npos);
  CHECK(done.exit_code == 71);
  CHECK(home.run({"serve"}).exit_code == 71);
}

TEST_CASE("requests under way are answered before a daemon ends", "[daemon_life]") {
  Home home;
  Running daemon = home.serve();
  // Some seconds of work at most: what takes longer than the grace is cut.
  const int texts = engine_under_test() == "native" ? 400 : 100;
  v1::EmbedBatchRequest request;
  for (int i = 0; i < texts; ++i) {
    std::string text = std::to_string(i);
    for (int word = 0; word < 100; ++word) text += " word";
    request.add_texts(text);
  }
  const auto stub = v1::RunedService::NewStub(grpc::CreateChannel(
      fmt::format("unix:{}/embedding.sock", home.path()), grpc::InsecureChannelCredentials()));
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + 60s);
  v1::EmbedBatchResponse response;
  grpc::Status status;
  std::thread caller([&] { status = stub->EmbedBatch(&context, request, &response); });
  const bool is_under_way = eventually([&] { return home.status()["queue_tokens"] > 0; });
  daemon.signal(SIGTERM);
  caller.join();
  CHECK(is_under_way);
  CAPTURE(status.error_message());
  CHECK(status.ok());
  CHECK(response.embeddings_size() == texts);
  CHECK(daemon.wait_for(5s));
  CHECK(daemon.finish().exit_code == 0);
}
