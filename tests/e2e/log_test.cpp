// The daemon's log while it lives: JSON lines, bounded by second and by size, whoever writes them.

#include <csignal>
#include <filesystem>
#include <map>

#include "base/text.hpp"
#include "os/file/files.hpp"
#include "os/net/unix_socket.hpp"
#include "runed_process.hpp"
#include "support/eventually.hpp"
#include "support/result_matchers.hpp"

namespace {

namespace fs = std::filesystem;
namespace os = runed::os;
using runed::Json;
using runed::test::eventually;
using runed::test::Finished;
using runed::test::Home;
using runed::test::read_text;
using runed::test::unwrap;

// A connection that gRPC has something to say about, with values that are nobody's business.
void send_garbage(const Home& home) {
  using namespace std::string_view_literals;
  const std::string block(
      "\0\x0cgrpc-timeout\x06secret\0\x05:path\x02/x\0\x02te\x06secret\xff\xff\xff\xff"sv);
  std::string bytes("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0"sv);
  bytes += std::string("\0\0", 2) + static_cast<char>(block.size()) + "\1\5" +
           std::string("\0\0\0\1", 4) + block;
  const auto connection = os::dial_unix(home / "embedding.sock", std::chrono::seconds(5));
  if (connection) static_cast<void>(os::write_all(connection->get(), bytes).has_value());
}

std::vector<Json> lines_of(const std::string& log) {
  std::vector<Json> lines;
  for (const std::string_view line : runed::split(log, '\n')) {
    if (line.empty()) continue;
    CAPTURE(line);
    lines.push_back(unwrap(runed::parse_json(line)));
  }
  return lines;
}

bool logs_something(const Home& home, std::string_view what) {
  return eventually([&] { return home.daemon_log().find(what) != std::string::npos; });
}

int daemon_pid(Home& home) {
  return home.status()["pid"];
}

}  // namespace

TEST_CASE("a flood of bad connections is no flood in the log, and is told in our lines", "[log]") {
  Home home;
  CHECK(home.run({"embed", "hello"}).exit_code == 0);
  for (int i = 0; i < 3000; ++i) send_garbage(home);
  CHECK(logs_something(home, "left_out"));
  CHECK(home.run({"shutdown", "--wait", "10"}).exit_code == 0);
  const std::string log = home.daemon_log();
  CHECK(log.find("secret") == std::string::npos);
  std::map<std::string, int> lines_of_second;
  for (const Json& line : lines_of(log)) {
    if (line["msg"] != "gRPC") continue;
    CHECK((line.contains("source") || line.contains("left_out")));
    ++lines_of_second[line["time"].get<std::string>().substr(0, 19)];
  }
  CHECK_FALSE(lines_of_second.empty());
  // Two seconds of the log's may end and begin within one of the day's.
  for (const auto& [second, lines] : lines_of_second) CHECK(lines <= 2 * 20 + 1);
}

TEST_CASE("the log is put aside while the daemon lives, and standard error follows", "[log]") {
  Home home;
  CHECK(home.run({"embed", "hello"}).exit_code == 0);
  const std::string log = home / "logs/daemon.log";
  const std::string filler(size_t{8} << 20, '\n');
  unwrap(os::write_all(unwrap(os::open_for_append(log, 0600)).get(), filler));
  // Once may not be enough: of a connection that ended before gRPC could greet it, gRPC says nothing.
  REQUIRE(eventually([&] {
    send_garbage(home);
    return home.daemon_log().find("\"gRPC\"") != std::string::npos;
  }));
  CHECK(fs::file_size(log) < 16'384);
  CHECK(fs::file_size(log + ".1") >= filler.size());
  for (const char* fd : {"1", "2"}) {
    CHECK(fs::read_symlink(fmt::format("/proc/{}/fd/{}", daemon_pid(home), fd)) == log);
  }
  lines_of(home.daemon_log());
}

TEST_CASE("standard error that is not the log of the home is never put aside", "[log]") {
  Home home;
  const std::string filler(size_t{8} << 20, '\n');
  runed::test::write_text(home.file("mine"), filler);
  runed::test::Running daemon =
      home.start_shell("exec '" RUNED_EXECUTABLE "' serve 2>> '" + home.file("mine") + "'");
  CHECK(home.run({"status", "--wait-ready", "20"}).exit_code == 0);
  CHECK(home.run({"shutdown", "--wait", "10"}).exit_code == 0);
  CHECK(daemon.finish().exit_code == 0);
  CHECK(fs::file_size(home.file("mine")) > filler.size());
  CHECK_FALSE(fs::exists(home.file("mine") + ".1"));
}

TEST_CASE("a limit on the size of files ends no daemon", "[log]") {
  Home home;
  // 64 KiB, which its log reaches.
  CHECK(home.run_shell("ulimit -f 64; exec '" RUNED_EXECUTABLE "' embed hello").exit_code == 0);
  const int pid = daemon_pid(home);
  const std::string log = home / "logs/daemon.log";
  unwrap(os::write_all(unwrap(os::open_for_append(log, 0600)).get(), std::string(65'000, '\n')));
  for (int i = 0; i < 1000; ++i) send_garbage(home);
  REQUIRE(logs_something(home, "\"gRPC\""));
  CHECK(fs::file_size(log) <= 65'536);
  CHECK(home.run({"embed", "hello again"}).exit_code == 0);
  CHECK(daemon_pid(home) == pid);
  CHECK(home.run({"shutdown", "--wait", "10"}).exit_code == 0);
}

TEST_CASE("a command at a limit on the size of files says so", "[log]") {
  Home home;
  const Finished done = home.run_shell(
      "yes | head -n 1000 > '" + home.file("in") +
      "'; ulimit -f 64; exec '" RUNED_EXECUTABLE "' embed --direct -f '" + home.file("in") + "'");
  CAPTURE(done.err);
  CHECK(done.exit_code == 74);
  CHECK(done.err.find("runed: error: cannot write to stdout") != std::string::npos);
}

TEST_CASE("a daemon that cannot start says why in JSON lines", "[log]") {
  Home home;
  fs::create_directories(home / "daemon.lock");
  fs::permissions(home.path(), fs::perms::owner_all);
  const Finished done = home.run({"embed", "hello"});
  CHECK(done.exit_code == 69);
  CHECK(done.err.find("it is a directory, not a regular file") != std::string::npos);
  const std::vector<Json> lines = lines_of(home.daemon_log());
  REQUIRE_FALSE(lines.empty());
  CHECK(lines.back()["msg"] == "fatal");
  CHECK(lines.back()["hint"].get<std::string>().starts_with("run: mv "));
}
