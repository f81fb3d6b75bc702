// What a client of the predecessor does around its calls: how it starts a daemon, waits for it and
// finds it again (B-015 to B-017, B-038, B-235 to B-243).
#include <csignal>
#include <filesystem>
#include <thread>

#include "os/file/file_lock.hpp"
#include "os/file/files.hpp"
#include "os/net/socket_path.hpp"
#include "os/net/unix_socket.hpp"
#include "os/process/child.hpp"
#include "os/process/process.hpp"
#include "raw_client.hpp"
#include "support/result_matchers.hpp"

using runed::test::cosine;
using runed::test::Finished;
using runed::test::floats;
using runed::test::Home;
using runed::test::kReferenceCosine;
using runed::test::mode_of;
using runed::test::OldClient;
using runed::test::read_text;
using runed::test::reference_texts;
using runed::test::TempDir;
using runed::test::unwrap;
using runed::test::write_text;
using namespace std::chrono_literals;

namespace fs = std::filesystem;
namespace old = predecessor::v1;

namespace {

constexpr auto kProbeInterval = 200ms;  // B-242
constexpr auto kReadiness = 10s;

// EnsureDaemon (B-240 to B-242): under the spawn lock it executes the binary without an argument, in
// a session of its own, with nothing on stdin and its output appended to the log, then probes.
runed::os::Child ensure_daemon(Home& home, const std::string& binary = RUNED_EXECUTABLE) {
  const std::string socket = home / "embedding.sock";
  fs::create_directories(home.path());
  fs::permissions(home.path(), fs::perms::owner_all);
  const auto lock = unwrap(runed::os::FileLock::acquire(home / "spawn.lock", 30s));
  fs::create_directories(home / "logs");
  fs::permissions(home / "logs", fs::perms::owner_all);
  const auto log = unwrap(runed::os::open_for_append(home / "logs/daemon.log", 0600));
  home.set("RUNED_HOME", home.path());
  auto child = unwrap(runed::os::Child::spawn({.arguments = {binary},
                                               .environment = home.environment(),
                                               .group = runed::os::ChildOptions::Group::own_session,
                                               .stdout_fd = log.get(),
                                               .stderr_fd = log.get()}));
  const auto until = std::chrono::steady_clock::now() + kReadiness;
  while (!runed::os::dial_unix(runed::os::resolve_socket_path(socket), 500ms)) {
    if (std::chrono::steady_clock::now() > until) {
      FAIL("daemon not ready within 10s: " << read_text(home / "logs/daemon.log"));
    }
    std::this_thread::sleep_for(kProbeInterval);
  }
  return child;
}

}  // namespace

TEST_CASE("a predecessor's client starts the daemon as it started its own", "[conformance]") {
  Home home;
  const auto daemon = ensure_daemon(home);
  const OldClient client(home);
  const auto ready = client.wait_for(old::HealthResponse::STATUS_OK);
  CHECK(ready.total_requests() == 0);
  const auto& reference = reference_texts().front();
  CHECK(cosine(client.vector(reference.text), reference.vector) >= kReferenceCosine);
  // What it wrote is JSON lines in the log that the client opened.
  const std::string log = read_text(home / "logs/daemon.log");
  CHECK(log.find(R"("msg":"listening")") != std::string::npos);
  CHECK(mode_of(home / "embedding.sock") == 0700);
}

TEST_CASE("a predecessor's client finds its daemon below a home that is too deep for a socket",
          "[conformance]") {
  Home home(fmt::format("{:d>60}/{:e>60}", "", ""));
  const auto daemon = ensure_daemon(home);
  CHECK(home.status()["pid"] == daemon.pid());
  CHECK_FALSE(fs::exists(home / "embedding.sock"));
}

TEST_CASE("a predecessor's client starts another daemon after one was killed", "[conformance]") {
  Home home;
  auto first = ensure_daemon(home);
  CHECK(home.status()["pid"] == first.pid());
  unwrap(runed::os::signal_process(first.pid(), SIGKILL));
  REQUIRE(unwrap(first.wait(5s)).has_value());
  REQUIRE(fs::exists(home / "embedding.sock"));  // Left over, as are its locks.
  const auto daemon = ensure_daemon(home);
  CHECK(home.status()["pid"] == daemon.pid());
}

TEST_CASE("a predecessor's client hands its config.json over as variables", "[conformance]") {
  const auto& texts = reference_texts();
  TempDir elsewhere;
  Home home;
  // B-214: the spawner may have its configuration elsewhere; B-241: what is in it comes as variables.
  write_text(elsewhere / "config.json",
             R"({"version":1,"idle_timeout":"300ms","runed_binary":")" RUNED_EXECUTABLE R"("})");
  home.set("RUNED_CONFIG", elsewhere / "config.json");
  home.set("RUNED_IDLE_TIMEOUT", "300ms");
  const auto daemon = ensure_daemon(home);
  const OldClient client(home);
  client.wait_for(old::HealthResponse::STATUS_IDLE);  // B-151: Health does not wake it.
  CHECK(cosine(client.vector(texts[0].text), texts[0].vector) >= kReferenceCosine);
}

TEST_CASE("two predecessor's clients at once get one daemon, and the second one ends well",
          "[conformance]") {
  Home home;
  const auto daemon = ensure_daemon(home);
  const Finished second = home.run_shell(fmt::format("exec '{}' </dev/null", RUNED_EXECUTABLE));
  CAPTURE(second.err);
  CHECK(second.exit_code == 0);  // B-038
  CHECK(second.out.empty());     // B-002
  CHECK(home.status()["pid"] == daemon.pid());
}

TEST_CASE("runed alone serves where stdin is closed, and elsewhere asks for a command",
          "[conformance]") {
  Home home;
  const auto run = [&](const std::string& redirection) {
    return home.run_shell(fmt::format("'{}' {}", RUNED_EXECUTABLE, redirection));
  };
  for (const char* redirection : {"< <(echo some text)", "</dev/zero", "</etc/passwd"}) {
    CAPTURE(redirection);
    const Finished done = run(redirection);
    CHECK(done.exit_code == 2);
    CHECK(done.out.find("Subcommands:") != std::string::npos);
    CHECK(done.err.find("runed: error: no command given") == 0);
  }
  CHECK_FALSE(fs::exists(home.path()));
  runed::test::Running daemon =
      home.start_shell(fmt::format("exec '{}' <&- >&- 2>&-", RUNED_EXECUTABLE));
  REQUIRE(home.run({"status", "--wait-ready", "20"}).exit_code == 0);
  CHECK(home.status()["pid"] == daemon.pid());
  const auto& reference = reference_texts().front();
  const Finished done = home.run({"embed", "--json", reference.text});
  CHECK(cosine(runed::test::vector_of(done.json(), 0), reference.vector) >= kReferenceCosine);
}

TEST_CASE("on a terminal runed alone prints its help", "[conformance]") {
  Home home;
  const Finished done =
      home.run_shell(fmt::format("script -qec \"'{}'\" /dev/null </dev/null", RUNED_EXECUTABLE));
  CAPTURE(done.out);
  CHECK(done.exit_code == 0);
  CHECK(done.out.find("Subcommands:") != std::string::npos);
  CHECK(done.out.find("error") == std::string::npos);
}
