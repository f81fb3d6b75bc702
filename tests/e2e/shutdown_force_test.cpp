// Whom `shutdown --force` ends, and whom it does not.
#include <csignal>
#include <filesystem>

#include "os/file/file_lock.hpp"
#include "os/file/files.hpp"
#include "os/process/process.hpp"
#include "runed_process.hpp"
#include "support/eventually.hpp"
#include "support/result_matchers.hpp"

using runed::os::Child;
using runed::os::FileLock;
using runed::test::eventually;
using runed::test::Finished;
using runed::test::Home;
using runed::test::Running;
using runed::test::unwrap;
using runed::test::write_text;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

namespace {

constexpr int kNotAllowed = 77;

/// A process that nobody is to signal.
class Bystander {
 public:
  explicit Bystander(std::vector<std::string> arguments = {"/bin/sleep", "600"})
      : child_(unwrap(Child::spawn({.arguments = std::move(arguments)}))) {}

  std::string pid() const { return std::to_string(child_.pid()); }
  bool lives() { return !unwrap(child_.wait(0ms)).has_value(); }

 private:
  Child child_;
};

Bystander listen_at(const std::string& path) {
  const std::string program =
      "socket(S, PF_UNIX, SOCK_STREAM, 0); bind(S, pack_sockaddr_un($ARGV[0])); listen(S, 9); "
      "sleep 600";
  Bystander listener({"/usr/bin/perl", "-MSocket", "-e", program, path});
  REQUIRE(eventually([&] { return fs::is_socket(path); }));
  return listener;
}

Bystander hold_lock(const std::string& path) {
  Bystander holder({"/usr/bin/flock", path, "/bin/sleep", "600"});
  REQUIRE(eventually([&] { return FileLock::is_held(path); }));
  return holder;
}

void check_left_alone(Home& home, Bystander& bystander, const std::string& name) {
  for (const std::vector<std::string>& command :
       {std::vector<std::string>{"shutdown", "--force", "--wait", "0.1"}, {"shutdown"}}) {
    const Finished done = home.run(command);
    CAPTURE(command, done.out, done.err);
    CHECK(done.exit_code == kNotAllowed);
    CHECK(done.out.empty());
    CHECK(done.err.find("process " + bystander.pid() + " ('") != std::string::npos);
    CHECK(done.err.find(name) != std::string::npos);
    CHECK(done.err.find("it is left alone") != std::string::npos);
    CHECK(done.err.find("hint: ") != std::string::npos);
    CHECK(bystander.lives());
  }
}

}  // namespace

TEST_CASE("a foreign process that listens at the socket is left alone", "[shutdown_force]") {
  Home home;
  fs::create_directories(home.path());
  Bystander listener = listen_at(home / "embedding.sock");
  check_left_alone(home, listener, "/perl");
}

TEST_CASE("a foreign process that holds the lock is left alone", "[shutdown_force]") {
  Home home;
  fs::create_directories(home.path());
  Bystander holder = hold_lock(home / "daemon.lock");
  check_left_alone(home, holder, "/flock'");
  // And so is whoever the file names.
  Bystander named;
  write_text(home / "daemon.lock", named.pid());
  check_left_alone(home, holder, "/flock'");
  CHECK(named.lives());
}

TEST_CASE("what a stale lock names is left alone", "[shutdown_force]") {
  Home home;
  fs::create_directories(home.path());
  Bystander named;
  write_text(home / "daemon.lock", named.pid() + " " + (home / "embedding.sock") + "\n");
  const Finished done = home.run({"shutdown", "--force"});
  CHECK(done.exit_code == 0);
  CHECK(done.out == "runed is not running.\n");
  CHECK(named.lives());
}

TEST_CASE("the daemon is ended, whoever its lock names", "[shutdown_force]") {
  Home home;
  Running daemon = home.serve();
  daemon.signal(SIGSTOP);
  Bystander named;
  write_text(home / "daemon.lock", named.pid());
  const Finished done = home.run({"shutdown", "--force", "--wait", "0.1", "--json"});
  CAPTURE(done.err);
  CHECK(done.exit_code == 0);
  CHECK(done.json()["pid"] == daemon.pid());
  CHECK(daemon.finish().exit_code == 128 + SIGKILL);
  CHECK(named.lives());
}

TEST_CASE("the daemon is ended, and not who took its socket", "[shutdown_force]") {
  Home home;
  Running daemon = home.serve();
  daemon.signal(SIGSTOP);  // Or it would see that its socket was taken, and end.
  unwrap(runed::os::remove_file(home / "embedding.sock"));
  Bystander listener = listen_at(home / "embedding.sock");
  CHECK(home.run({"shutdown", "--force", "--wait", "0.1"}).exit_code == 0);
  CHECK(daemon.finish().exit_code == 128 + SIGKILL);
  CHECK(listener.lives());
}

TEST_CASE("a daemon that takes its time is ended by force", "[shutdown_force]") {
  Home home;
  Running daemon = home.serve();
  const Finished done = home.run({"shutdown", "--force"});
  CHECK(done.exit_code == 0);
  CHECK(daemon.finish().exit_code == 0);  // It was asked first.
}

TEST_CASE("a daemon whose program was replaced is ended by force", "[shutdown_force]") {
  Home home;
  const std::string old = home.file("runed");
  fs::copy_file(RUNED_EXECUTABLE, old);
  Running daemon = home.start_shell("exec " + old + " serve");
  REQUIRE(home.run({"status", "--wait-ready", "20"}).exit_code == 0);
  fs::remove(old);
  daemon.signal(SIGSTOP);
  CHECK(home.run({"shutdown", "--force", "--wait", "0.1"}).exit_code == 0);
  CHECK(daemon.finish().exit_code == 128 + SIGKILL);
}

TEST_CASE("the daemon of another home is asked, but not forced", "[shutdown_force]") {
  Home home;
  Home other;
  Running daemon = other.serve();
  const std::string socket = other / "embedding.sock";
  daemon.signal(SIGSTOP);
  const Finished refused = home.run({"shutdown", "--force", "--wait", "0.1", "--socket", socket});
  CHECK(refused.exit_code == kNotAllowed);
  CHECK(refused.err.find("is not the daemon of '" + home.path() + "'") != std::string::npos);
  CHECK_FALSE(daemon.has_ended());
  daemon.signal(SIGCONT);
  CHECK(home.run({"shutdown", "--force", "--socket", socket}).exit_code == 0);
  CHECK(daemon.finish().exit_code == 0);
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // They must be loaded first.
TEST_CASE("without locks nobody is a daemon, and no command goes on", "[shutdown_force]") {
  Home home;
  fs::create_directories(home.path());
  Bystander named;
  write_text(home / "daemon.lock", named.pid());
  home.set("LD_PRELOAD", RUNED_NO_FLOCK);
  CHECK(home.run({"shutdown", "--force"}).out == "runed is not running.\n");
  CHECK(named.lives());
  for (const std::vector<std::string>& command :
       {std::vector<std::string>{"serve"}, {"embed", "x"}}) {
    const Finished done = home.run(command);
    CHECK(done.exit_code == 74);
    CHECK(done.err.find(".lock': no locks available") != std::string::npos);
    CHECK(done.err.find("hint: some network file systems have no locks") != std::string::npos);
  }
}
#endif
