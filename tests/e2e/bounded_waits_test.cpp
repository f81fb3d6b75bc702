// No peer, and nothing that the machine lacks, makes a daemon or a command wait for ever.
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <thread>

#include "runed_process.hpp"
#include "stub.hpp"
#include "support/eventually.hpp"
#include "support/left_out.hpp"

using runed::test::connect;
using runed::test::eventually;
using runed::test::Finished;
using runed::test::health;
using runed::test::Home;
using runed::test::Running;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

namespace {

std::string numbered_lines(int count) {
  std::string lines;
  for (int i = 0; i < count; ++i) lines += fmt::format("text number {}\n", i);
  return lines;
}

// Nothing is computed any more, over some looks.
bool is_quiet(const Home& home) {
  const auto stub = connect(home);
  const int64_t passes = health(*stub).load().passes();
  for (int look = 0; look < 20; ++look) {
    std::this_thread::sleep_for(10ms);
    if (health(*stub).load().passes() != passes) return false;
  }
  return true;
}

// A client that is stopped in the middle of its stream, so that the daemon cannot send any more.
Running stop_a_reader(Home& home, int lines) {
  Running reader = home.start({"embed", "-d", "64"}, numbered_lines(lines));
  REQUIRE(eventually([&] { return reader.out_size() > 0; }));
  reader.signal(SIGSTOP);
  REQUIRE(eventually([&] { return is_quiet(home); }, 60s));
  return reader;
}

}  // namespace

TEST_CASE("a daemon ends although a client does not read, and the client loses nothing",
          "[bounded_waits]") {
  constexpr int kLines = 60'000;
  for (const char* how : {"signal", "shutdown"}) {
    CAPTURE(how);
    Home home;
    Running daemon = home.serve();
    Running reader = stop_a_reader(home, kLines);
    if (std::string(how) == "signal") {
      daemon.signal(SIGTERM);
    } else {
      CHECK(home.run({"shutdown", "--wait", "20"}).exit_code == 0);
    }
    CHECK(daemon.finish().exit_code == 0);
    CHECK(home.run({"embed", "another"}).exit_code == 0);  // By another daemon: the lock is free.
    reader.signal(SIGCONT);
    const Finished read = reader.finish();
    CHECK(read.exit_code == 0);
    CHECK(std::ranges::count(read.out, '\n') == kLines);
  }
}

TEST_CASE("a second signal ends a daemon at once although a client does not read",
          "[bounded_waits]") {
  Home home;
  Running daemon = home.serve();
  Running reader = stop_a_reader(home, 60'000);
  daemon.signal(SIGTERM);
  REQUIRE(eventually([&] { return daemon.err().find("received signal") != std::string::npos; }));
  daemon.signal(SIGINT);
  CHECK(daemon.finish().exit_code == 128 + SIGINT);
  reader.signal(SIGKILL);
}

TEST_CASE("with too few threads every command ends in time, and says what it lacks",
          "[bounded_waits]") {
  if (::geteuid() != 0) {
    runed::test::leave_out("only root can be another user, whose threads alone are counted");
    return;
  }
  Home home;
  const std::string program = home.file("runed");
  fs::copy_file(RUNED_EXECUTABLE, program);
  fs::permissions(fs::path(program).parent_path(), fs::perms(0777));
  home.set("RUNED_HOME", home.file("other-home"));
  const auto run = [&](int threads, const std::string& command) {
    return home.run_shell(
        fmt::format("exec setpriv --reuid 54321 --regid 54321 --clear-groups "
                    "bash -c 'ulimit -u {}; exec {} {}'",
                    threads, program, command));
  };
  for (int threads = 1; threads <= 40; threads += 3) {
    CAPTURE(threads);
    const auto begin = std::chrono::steady_clock::now();
    const Finished done = run(threads, "embed --timeout 20 text");
    CAPTURE(done.err);
    CHECK(std::chrono::steady_clock::now() - begin < 30s);
    if (done.exit_code != 0) {
      CHECK((done.exit_code == 69 || done.exit_code == 75 || done.exit_code == 124));
      CHECK((done.err.starts_with("runed: error: ") || done.err.starts_with("runed: note: ")));
      CHECK(done.err.find("runed: error: ") != std::string::npos);
      CHECK(done.err.find("SIGABRT") == std::string::npos);
    }
    run(100, "shutdown --wait 20");
  }
  REQUIRE(run(100, "embed text").exit_code == 0);
  const Finished status = run(8, "status");  // Not that there is no daemon.
  CHECK(status.exit_code == 75);
  CHECK(status.err.find("threads are needed") != std::string::npos);
  CHECK(run(8, "shutdown").exit_code == 75);
  CHECK(run(8, "shutdown --force").exit_code == 0);
}

TEST_CASE("a daemon whose messages nobody reads serves and ends", "[bounded_waits]") {
  Home home;
  Running daemon = home.start_shell(
      "mkfifo $HOME/full; exec 3<>$HOME/full; head -c 65536 /dev/zero >&3; exec " RUNED_EXECUTABLE
      " serve 2>&3");
  home.wait_for_state("ok");
  CHECK(home.run({"embed", "text"}).exit_code == 0);
  daemon.signal(SIGTERM);
  CHECK(daemon.finish().exit_code == 0);
}
