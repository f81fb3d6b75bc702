// A daemon that dies under its client is told with what ended it, not with what its socket says.
#include <csignal>
#include <filesystem>

#include "os/process/process.hpp"
#include "stand_in_home.hpp"
#include "support/eventually.hpp"

using runed::test::eventually;
using runed::test::Finished;
using runed::test::Home;
using runed::test::read_record;
using runed::test::Running;
using runed::test::StandInHome;
using runed::test::write_text;

namespace {

// Waits until the engine of a daemon, the `number`th, was asked for vectors, and ends that daemon.
int kill_busy_daemon(StandInHome& home, size_t number) {
  REQUIRE(eventually(
      [&] { return read_record(home.file("record")).bodies("/v1/embeddings").size() >= number; }));
  const int pid = home.status()["pid"];
  runed::test::unwrap(runed::os::signal_process(pid, SIGKILL));
  return pid;
}

bool has_socket(int pid) {
  std::error_code ended;
  for (const auto& entry :
       std::filesystem::directory_iterator(fmt::format("/proc/{}/fd", pid), ended)) {
    if (std::filesystem::read_symlink(entry.path(), ended).string().starts_with("socket:"))
      return true;
  }
  return false;
}

}  // namespace

TEST_CASE("a daemon that this command started and somebody killed is named with the signal",
          "[daemon_death]") {
  StandInHome home;
  home.use({"hang-but-healthy", "record=" + home.file("record")});
  Running command = home.start({"embed", "one"});
  kill_busy_daemon(home, 1);
  const int second = kill_busy_daemon(home, 2);
  const Finished done = command.finish();
  CAPTURE(done.err);
  CHECK(done.exit_code == 69);
  CHECK(done.err.find(fmt::format("runed: error: the daemon (pid {}) was killed by SIGKILL\n",
                                  second)) != std::string::npos);
  CHECK(done.err.find("hint: the end of '" + home / "logs/daemon.log" + "':\n") !=
        std::string::npos);
  CHECK(done.err.find("ocket closed") == std::string::npos);
}

TEST_CASE("a daemon that is killed before it listens is named with the signal, and its log",
          "[daemon_death]") {
  Home home;
  std::filesystem::create_directories(home.path());
  std::filesystem::permissions(home.path(), std::filesystem::perms::owner_all);
  write_text(home.file("dies"), "#!/bin/sh\necho last words\nkill -9 $$\n");
  std::filesystem::permissions(home.file("dies"), std::filesystem::perms::owner_all);
  write_text(home / "config.json", fmt::format(R"({{"runed_binary":"{}"}})", home.file("dies")));
  const Finished done = home.run({"embed", "x"});
  CHECK(done.exit_code == 69);
  CHECK(done.err ==
        fmt::format("runed: error: the daemon could not start: it was killed by SIGKILL\n"
                    "hint: the end of '{}':\n  last words\n",
                    home / "logs/daemon.log"));
}

TEST_CASE("a daemon that is killed while it is asked for its status does not run",
          "[daemon_death]") {
  Home home;
  Running daemon = home.serve();
  daemon.signal(SIGSTOP);
  Running status = home.start({"status"});
  // It waits for an answer once it has a connection.
  REQUIRE(eventually([&] { return has_socket(status.pid()); }));
  daemon.signal(SIGKILL);
  const Finished done = status.finish();
  CAPTURE(done.out, done.err);
  CHECK(done.exit_code == 3);
  CHECK(done.out.find("runed is not running: ") == 0);
}
