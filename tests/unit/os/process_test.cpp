#include "os/process.hpp"

#include <csignal>
#include <filesystem>

#include "os/child.hpp"
#include "support/result_matchers.hpp"

using runed::ErrorCode;
using runed::os::Child;
using runed::test::unwrap;
using runed::test::unwrap_error;
using namespace std::chrono_literals;

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
