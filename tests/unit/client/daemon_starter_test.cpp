#include "client/daemon_starter.hpp"

#include <chrono>
#include <filesystem>
#include <fstream>

#include "os/net/unix_socket.hpp"
#include "support/result_matchers.hpp"
#include "support/temp_dir.hpp"

using runed::ErrorCode;
using runed::client::DaemonLocation;
using runed::client::dial_daemon;
using runed::client::dial_or_start_daemon;
using runed::test::TempDir;
using runed::test::unwrap;
using runed::test::unwrap_error;
using namespace std::chrono_literals;

namespace {
DaemonLocation location_in(const TempDir& dir, std::vector<std::string> arguments) {
  return {.home = dir.path(),
          .socket_path = dir.path() + "/embedding.sock",
          .spawn_lock = dir.path() + "/spawn.lock",
          .daemon_lock = dir.path() + "/daemon.lock",
          .log_path = dir.path() + "/logs/daemon.log",
          .arguments = std::move(arguments)};
}
}  // namespace

TEST_CASE("a daemon that runs is dialled and not started") {
  const TempDir dir;
  const DaemonLocation daemon = location_in(dir, {"/bin/false"});
  const auto listener = unwrap(runed::os::UnixListener::listen(daemon.socket_path));
  const auto dialled = unwrap(dial_or_start_daemon(daemon, {.timeout = 20s}));
  CHECK(dialled.connection.is_open());
  CHECK_FALSE(dialled.was_started);
  CHECK_FALSE(std::filesystem::exists(daemon.log_path));
}

TEST_CASE("no daemon is told apart from a path that is not a socket") {
  const TempDir dir;
  const DaemonLocation daemon = location_in(dir, {"/bin/false"});
  CHECK(unwrap_error(dial_daemon(daemon)).code == ErrorCode::not_found);
  std::ofstream(daemon.socket_path) << "not a socket";
  CHECK(unwrap_error(dial_or_start_daemon(daemon, {.timeout = 20s})).code == ErrorCode::bad_config);
  CHECK_FALSE(std::filesystem::exists(daemon.log_path));
}

TEST_CASE("a daemon that dies at once is reported at once, with the end of its log") {
  const TempDir dir;
  const DaemonLocation daemon =
      location_in(dir, {"/bin/sh", "-c", "echo 'the disk is on fire' >&2; exit 7"});
  std::filesystem::create_directories(dir.path() + "/logs");
  std::ofstream(daemon.log_path) << "an older life\n";
  const auto begin = std::chrono::steady_clock::now();
  const runed::Error error = unwrap_error(dial_or_start_daemon(daemon, {.timeout = 20s}));
  CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(5));
  CHECK(error.code == ErrorCode::unavailable);
  CHECK(error.message == "the daemon could not start: it exited with code 7");
  CHECK(error.hint.find("the disk is on fire") != std::string::npos);
  CHECK(error.hint.find("an older life") == std::string::npos);
}

TEST_CASE("a full log is put aside before a daemon starts, and not quoted") {
  const TempDir dir;
  const DaemonLocation daemon =
      location_in(dir, {"/bin/sh", "-c", "echo 'a new life' >&2; exit 7"});
  std::filesystem::create_directories(dir.path() + "/logs");
  std::ofstream(daemon.log_path) << "an older life\n";
  constexpr uintmax_t kLimitBytes = 8 << 20;
  std::filesystem::resize_file(daemon.log_path, kLimitBytes);
  const runed::Error error = unwrap_error(dial_or_start_daemon(daemon, {.timeout = 20s}));
  CHECK(error.hint == "the end of '" + daemon.log_path + "':\n  a new life");
  CHECK(std::filesystem::file_size(daemon.log_path) == 11);
  CHECK(std::filesystem::file_size(daemon.log_path + ".1") == kLimitBytes);
}

TEST_CASE("a program that is not there is named") {
  const TempDir dir;
  const runed::Error error =
      unwrap_error(dial_or_start_daemon(location_in(dir, {dir.path() + "/no-such-program"}),
                                        {.timeout = 20s}));
  CHECK(error.message.find("no-such-program") != std::string::npos);
}
