#include "embed/llama_server/process/server_log.hpp"

#include <atomic>
#include <csignal>
#include <filesystem>

#include "os/machine/memory.hpp"
#include "os/process/child.hpp"
#include "os/process/process.hpp"
#include "support/eventually.hpp"
#include "support/file_size_limit.hpp"
#include "support/result_matchers.hpp"
#include "support/temp_dir.hpp"

using runed::embed::llama_server::ServerLog;
using runed::os::Child;
using runed::test::eventually;
using runed::test::FileSizeLimit;
using runed::test::read_text;
using runed::test::TempDir;
using runed::test::unwrap;
using runed::test::unwrap_error;
using runed::test::write_text;
using Lines = std::vector<std::string>;
using namespace std::chrono_literals;

namespace {

// A shell script whose output is read. Its end stops what it has started, too.
struct Watched {
  std::atomic<int> exits = 0;
  std::optional<Child> child;
  std::unique_ptr<ServerLog> log;

  Watched(const std::string& script, const std::string& path, uint64_t limit_bytes = 8 << 20) {
    runed::os::Pipe pipe = unwrap(runed::os::open_pipe());
    child.emplace(unwrap(Child::spawn({.arguments = {"/bin/sh", "-c", script},
                                       .stdout_fd = pipe.writer.get(),
                                       .stderr_fd = pipe.writer.get()})));
    log = unwrap(ServerLog::start(std::move(pipe.reader), child->exit_fd(),
                                  {.path = path, .limit_bytes = limit_bytes, .keep = 2},
                                  [this] { ++exits; }));
  }
};

}  // namespace

TEST_CASE("what a child prints is in the log and its end in memory, when its exit is seen") {
  const TempDir dir;
  Watched server("seq 1 999; echo 1000 >&2; exit 3", dir / "log");
  REQUIRE(server.log->wait_for_exit(10s));
  const Lines lines = server.log->last_lines(1000);
  REQUIRE(lines.size() == 200);
  CHECK(lines.front() == "801");
  CHECK(lines.back() == "1000");
  const std::string content = read_text(dir / "log");
  CHECK(content.starts_with("1\n2\n3\n"));
  CHECK(content.ends_with("\n999\n1000\n"));
  CHECK(runed::test::mode_of(dir / "log") == 0600);
  CHECK(eventually([&] { return server.exits == 1; }));
  server.log.reset();
  CHECK(server.exits == 1);
  CHECK(unwrap(server.child->wait(0ms))->code == 3);
}

TEST_CASE("a line of 10 MB neither stops the child nor fills the memory") {
  const TempDir dir;
  const uint64_t before = runed::os::anonymous_bytes_of(runed::os::process_id());
  Watched server("head -c 10000000 /dev/zero | tr '\\0' x; exit 4", dir / "log", 6'000'000);
  REQUIRE(server.log->wait_for_exit(60s));
  CHECK(runed::os::anonymous_bytes_of(runed::os::process_id()) < before + (5 << 20));
  CHECK(server.log->last_lines(2) == Lines{std::string(4096, 'x')});
  CHECK(std::filesystem::file_size(dir / "log.1") <= 6'000'000);
  CHECK(std::filesystem::file_size(dir / "log") + std::filesystem::file_size(dir / "log.1") ==
        10'000'000);
  CHECK(unwrap(server.child->wait(0ms))->code == 4);
}

TEST_CASE("a child that lives is not said to have ended, and need not end for its log to") {
  const TempDir dir;
  Watched server("while :; do echo busy; done", dir / "log", 1 << 20);
  CHECK(eventually([&] { return !server.log->last_lines(1).empty(); }));
  CHECK_FALSE(server.log->wait_for_exit(0ms));
  server.log.reset();
  CHECK(server.exits == 0);
}

TEST_CASE("a child that closed its output is waited for") {
  const TempDir dir;
  Watched server(
      "echo bye; exec >&- 2>&-; while [ ! -e " + (dir / "go") + " ]; do sleep 0.01; done",
      dir / "log");
  CHECK(eventually([&] { return server.log->last_lines(1) == Lines{"bye"}; }));
  CHECK_FALSE(server.log->wait_for_exit(0ms));
  write_text(dir / "go", "");
  CHECK(server.log->wait_for_exit(10s));
}

TEST_CASE("a grandchild that keeps the pipe hides neither the end of its parent nor its words") {
  const TempDir dir;
  Watched server("sleep 60 & echo 'last words'; kill -SEGV $$", dir / "log");
  REQUIRE(server.log->wait_for_exit(10s));
  CHECK(server.log->last_lines(1) == Lines{"last words"});
  CHECK(eventually([&] { return server.exits == 1; }));
  CHECK(unwrap(server.child->stop(0ms)).signal == SIGSEGV);
}

TEST_CASE("a grandchild that fills the pipe for ever does not hold the end up") {
  const TempDir dir;
  Watched server("cat /dev/zero & while [ ! -s " + (dir / "log") + " ]; do :; done; exit 5",
                 dir / "log", 1 << 20);
  REQUIRE(server.log->wait_for_exit(10s));
  CHECK(unwrap(server.child->stop(0ms)).code == 5);
}

TEST_CASE("the log of a child that we end is complete") {
  const TempDir dir;
  Watched server("trap 'echo ending; exit 0' TERM; echo ready; while :; do sleep 0.01; done",
                 dir / "log");
  CHECK(eventually([&] { return server.log->last_lines(1) == Lines{"ready"}; }));
  CHECK(unwrap(server.child->stop(10s)).code == 0);
  server.log.reset();
  CHECK(server.exits == 1);
  CHECK(read_text(dir / "log").starts_with("ready\n"));
  CHECK(read_text(dir / "log").ends_with("ending\n"));  // Between them the shell may tell of TERM.
}

TEST_CASE("a full disk does not stop the reading, and leaves a mark in the log") {
  const TempDir dir;
  std::optional<Watched> server;
  {
    const FileSizeLimit full(6);
    server.emplace("seq 1 1000; while [ ! -e " + (dir / "go") + " ]; do sleep 0.01; done; echo on",
                   dir / "log");
    CHECK(eventually([&] { return server->log->last_lines(1) == Lines{"1000"}; }));
  }
  write_text(dir / "go", "");
  REQUIRE(server->log->wait_for_exit(10s));
  CHECK(server->log->last_lines(1) == Lines{"on"});
  CHECK(read_text(dir / "log") == "1\n2\n3\n\n(runed could not write up to 3.8 KiB here)\non\n");
}

TEST_CASE("a log that cannot even be made does not stop the reading") {
  const TempDir dir;
  Watched server(
      "echo unwritten; while [ ! -e " + (dir / "go") + " ]; do sleep 0.01; done; echo on",
      dir / "logs/log");
  CHECK(eventually([&] { return server.log->last_lines(1) == Lines{"unwritten"}; }));
  std::filesystem::create_directory(dir / "logs");
  write_text(dir / "go", "");
  REQUIRE(server.log->wait_for_exit(10s));
  CHECK(read_text(dir / "logs/log") == "\n(runed could not write up to 10 B here)\non\n");
}

TEST_CASE("a crash leaves a copy of the last lines, with when and how it ended") {
  const TempDir dir;
  Watched server("echo one; echo two; kill -SEGV $$", dir / "logs/llama-server.log");
  REQUIRE(server.log->wait_for_exit(10s));
  const auto status = unwrap(server.child->wait(0ms));
  REQUIRE(status.has_value());
  const std::string how = "llama-server " + status->describe();
  const std::string path = dir / "logs/llama-server.crash.log";
  CHECK(unwrap_error(server.log->keep_crash_copy(how)).message ==
        "cannot write '" + path + "': no such file or directory");
  std::filesystem::create_directory(dir / "logs");
  unwrap(server.log->keep_crash_copy(how));
  const std::string copy = read_text(path);
  CHECK(copy.starts_with("20"));
  CHECK(copy.substr(copy.find(' ')) == " llama-server was killed by SIGSEGV\none\ntwo\n");
  CHECK(runed::test::mode_of(path) == 0600);
}
