#include "os/process/process.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <csignal>
#include <filesystem>

#include "os/file/files.hpp"
#include "os/process/child.hpp"
#include "support/eventually.hpp"
#include "support/result_matchers.hpp"
#include "support/temp_dir.hpp"

using runed::ErrorCode;
using runed::os::Child;
using runed::test::unwrap;
using runed::test::unwrap_error;
using namespace std::chrono_literals;

namespace {

struct Listener {
  runed::os::Fd fd;
  uint16_t port = 0;
};

Listener listen_on(in_addr_t address) {
  Listener listener{runed::os::Fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0))};
  sockaddr_in name{.sin_family = AF_INET, .sin_addr = {::htonl(address)}};
  socklen_t size = sizeof(name);
  auto* const generic = reinterpret_cast<sockaddr*>(&name);
  REQUIRE(::bind(listener.fd.get(), generic, size) == 0);
  REQUIRE(::listen(listener.fd.get(), 1) == 0);
  REQUIRE(::getsockname(listener.fd.get(), generic, &size) == 0);
  listener.port = ::ntohs(name.sin_port);
  return listener;
}

}  // namespace

TEST_CASE("the environment, the home and the program are found") {
  ::setenv("RUNED_TEST_VARIABLE", "value", 1);
  CHECK(runed::os::environment_variable("RUNED_TEST_VARIABLE") == "value");
  ::unsetenv("RUNED_TEST_VARIABLE");
  CHECK_FALSE(runed::os::environment_variable("RUNED_TEST_VARIABLE").has_value());
  CHECK(std::filesystem::path(unwrap(runed::os::executable_path())).filename() == "unit_os");
}

TEST_CASE("the home directory is HOME, or what the user database says") {
  const auto before = runed::os::environment_variable("HOME");
  ::setenv("HOME", "/somewhere", 1);
  CHECK(unwrap(runed::os::home_directory()) == "/somewhere");
  ::unsetenv("HOME");
  CHECK(unwrap(runed::os::home_directory()).starts_with("/"));
  if (before.has_value()) ::setenv("HOME", before->c_str(), 1);
}

TEST_CASE("the exit of a process is waited for, and one that is gone has exited") {
  auto child = unwrap(Child::spawn({.arguments = {"/bin/sleep", "60"}}));
  const int pid = child.pid();
  CHECK_FALSE(runed::os::wait_for_exit(pid, 0ms));
  unwrap(runed::os::signal_process(pid, SIGTERM));
  CHECK(runed::os::wait_for_exit(pid, 10s));
  REQUIRE(unwrap(child.wait(10s)).has_value());
  CHECK(runed::os::wait_for_exit(pid, 0ms));
  CHECK(unwrap_error(runed::os::signal_process(pid, SIGTERM)).code == ErrorCode::not_found);
}

TEST_CASE("a signal to a group is refused") {
  CHECK(unwrap_error(runed::os::signal_process(0, 0)).code == ErrorCode::invalid_argument);
  CHECK(unwrap_error(runed::os::signal_process(-1, 0)).message == "'-1' is not a process");
}

TEST_CASE("the processor time of a process grows as it computes, whatever its name") {
  const runed::test::TempDir dir;
  const std::string program = dir / "a) b (c) d";
  std::filesystem::create_symlink("/bin/sh", program);
  auto busy = unwrap(Child::spawn({.arguments = {program, "-c", "while :; do :; done"}}));
  CHECK(runed::test::eventually([&] { return runed::os::cpu_time_of(busy.pid()) >= 50ms; }));
  const auto before = runed::os::cpu_time_of(busy.pid());
  CHECK(runed::test::eventually([&] { return runed::os::cpu_time_of(busy.pid()) > before; }));
  CHECK(before < 60s);
  unwrap(busy.stop(10s));
  CHECK(runed::os::cpu_time_of(busy.pid()) == 0ms);
}

TEST_CASE("the kernel's count of processes killed for want of memory is read") {
  const std::string vmstat = unwrap(runed::os::read_file("/proc/vmstat", 1 << 20));
  const size_t line = vmstat.find("\noom_kill ");
  REQUIRE(line != std::string::npos);
  CHECK(runed::os::oom_kills() == std::stoull(vmstat.substr(line + 10)));
}

TEST_CASE("the port that a process listens on is found, on the loopback address only") {
  CHECK_FALSE(runed::os::find_listening_port(runed::os::process_id()).has_value());
  const Listener everywhere = listen_on(INADDR_ANY);
  CHECK_FALSE(runed::os::find_listening_port(runed::os::process_id()).has_value());
  const Listener local = listen_on(INADDR_LOOPBACK);
  CHECK(runed::os::find_listening_port(runed::os::process_id()) == local.port);
  const auto other = unwrap(Child::spawn({.arguments = {"/bin/sleep", "60"}}));
  CHECK_FALSE(runed::os::find_listening_port(other.pid()).has_value());
}
