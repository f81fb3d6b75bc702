// A home has one daemon, and that has one socket.
#include <csignal>
#include <filesystem>
#include <set>

#include "os/file/files.hpp"
#include "os/process/process.hpp"
#include "runed_process.hpp"
#include "support/eventually.hpp"
#include "support/result_matchers.hpp"

using runed::test::eventually;
using runed::test::Finished;
using runed::test::Home;
using runed::test::Running;
using runed::test::unwrap;
using runed::test::write_text;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

namespace {

constexpr int kUnreachable = 69;

// The processes that are, or are about to be, a daemon of this home.
std::set<int> serving(const Home& home) {
  std::set<int> found;
  for (const auto& process : fs::directory_iterator("/proc")) {
    const std::string name = process.path().filename();
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    const auto words = runed::os::read_file(process.path() / "cmdline", 1 << 20).value_or("");
    const std::string serve("\0serve\0", 7);
    if (words.find(serve) == std::string::npos) continue;
    if (words.find(home.path()) != std::string::npos) found.insert(std::stoi(name));
  }
  return found;
}

// A daemon that holds the lock and does not serve, as one that is starting or ending.
Running serve_silently(Home& home) {
  Running daemon = home.serve({"--home", home.path()});
  daemon.signal(SIGSTOP);
  unwrap(runed::os::remove_file(home / "embedding.sock"));
  return daemon;
}

void check_told(Home& home, const Finished& done, const Running& daemon) {
  CAPTURE(done.out, done.err);
  CHECK(done.exit_code == kUnreachable);
  CHECK(done.err.find(fmt::format("the daemon of '{}' (pid {}) serves '{}/embedding.sock', not '",
                                  home.path(), daemon.pid(), home.path())) != std::string::npos);
  CHECK(done.err.find("reach it with: --socket '" + (home / "embedding.sock") + "'") !=
        std::string::npos);
  CHECK(done.err.find("--force") == std::string::npos);
}

}  // namespace

TEST_CASE("a socket that the home's daemon does not serve is told at once", "[other_socket]") {
  Home home;
  Running daemon = home.serve();
  const std::string other = home.file("new/run/other.sock");
  check_told(home, home.run({"embed", "--socket", other, "x"}), daemon);
  check_told(home, home.run({"serve", "--socket", other}), daemon);
  check_told(home, home.run({"shutdown", "--socket", other}), daemon);
  check_told(home, home.run({"shutdown", "--force", "--socket", other}), daemon);
  const Finished status = home.run({"status", "--socket", other});
  CHECK(status.exit_code == 3);
  CHECK(status.out.find("serves '" + (home / "embedding.sock")) != std::string::npos);
  CHECK(home.run({"doctor", "--socket", other}).exit_code == 5);
  CHECK_FALSE(fs::exists(home.file("new")));
  CHECK_FALSE(fs::exists(home / "logs/daemon.log"));  // None was started to find out.
  CHECK(home.status()["pid"] == daemon.pid());
  CHECK(home.run({"embed", "--socket", home / "embedding.sock", "x"}).exit_code == 0);
}

TEST_CASE("a socket that the settings got meanwhile is told too", "[other_socket]") {
  Home home;
  Running daemon = home.serve();
  write_text(home / "config.json", R"({"socket":")" + home.file("c.sock") + R"("})");
  check_told(home, home.run({"embed", "x"}), daemon);
  fs::remove(home / "config.json");
  home.set("RUNED_SOCKET", home.file("e.sock"));
  check_told(home, home.run({"embed", "x"}), daemon);
  check_told(home, home.run({"serve"}), daemon);
}

TEST_CASE("a daemon that died leaves no socket behind that would count", "[other_socket]") {
  Home home;
  Running daemon = home.serve();
  daemon.signal(SIGKILL);
  daemon.finish();
  const std::string other = home.file("other.sock");
  CHECK(home.run({"embed", "--socket", other, "x"}).exit_code == 0);
  CHECK(home.run({"shutdown", "--wait", "20", "--socket", other}).exit_code == 0);
}

TEST_CASE("of two daemons with two sockets one serves, the other says which", "[other_socket]") {
  Home home;
  Running a = home.start({"serve", "--socket", home.file("a.sock")});
  Running b = home.start({"serve", "--socket", home.file("b.sock")});
  REQUIRE(eventually([&] { return a.has_ended() || b.has_ended(); }, 60s));
  const bool is_b = a.has_ended();
  const Finished done = (is_b ? a : b).finish();
  CHECK(done.exit_code == kUnreachable);
  CHECK(done.err.find("serves '" + home.file(is_b ? "b.sock" : "a.sock") + "', not '") !=
        std::string::npos);
  CHECK_FALSE((is_b ? b : a).has_ended());
}

TEST_CASE("a daemon that is starting or ending is waited for, which is said", "[other_socket]") {
  for (const std::string name : {"embedding.sock", "other.sock"}) {
    Home home;
    Running before = serve_silently(home);
    Running embed = home.start({"embed", "--json", "--socket", home / name, "x"});
    const std::string note =
        fmt::format("waiting for the daemon that is there (pid {})", before.pid());
    CHECK(eventually([&] { return embed.err().find(note) != std::string::npos; }, 60s));
    Running serve = home.start({"serve", "--socket", home / name});
    CHECK(eventually([&] { return serve.err().find("waiting for the daemon that holds") !=
                                  std::string::npos; }, 60s));
    before.signal(SIGKILL);
    before.finish();
    const Finished done = embed.finish();
    CAPTURE(done.err);
    CHECK(done.exit_code == 0);
  }
}

TEST_CASE("who waits for a client that starts a daemon says so", "[other_socket]") {
  Home home;
  Running before = serve_silently(home);
  Running first = home.start({"embed", "x"});
  REQUIRE(eventually([&] { return serving(home).size() == 2; }, 60s));
  Running second = home.start({"embed", "y"});
  CHECK(eventually([&] { return second.err().find("which is starting the daemon") !=
                                std::string::npos; }, 60s));
  before.signal(SIGKILL);
  before.finish();
  CHECK(first.finish().exit_code == 0);
  CHECK(second.finish().exit_code == 0);
}

TEST_CASE("a client that is ended while it waits leaves no daemon behind", "[other_socket]") {
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGKILL}) {
    Home home;
    Running before = serve_silently(home);
    Running embed = home.start({"embed", "x"});
    REQUIRE(eventually([&] { return serving(home).size() == 2; }, 60s));
    embed.signal(signal);
    CHECK(embed.finish().exit_code == 128 + signal);
    CAPTURE(signal);
    CHECK(eventually([&] { return serving(home) == std::set<int>{before.pid()}; }, 60s));
  }
}

TEST_CASE("a daemon outlives the client that started it", "[other_socket]") {
  Home home;
  REQUIRE(home.run({"embed", "x"}).exit_code == 0);
  const int pid = home.status()["pid"];
  CHECK(home.run({"embed", "x"}).exit_code == 0);
  CHECK(home.status()["pid"] == pid);
}
