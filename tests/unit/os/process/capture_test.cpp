#include "os/process/capture.hpp"

#include "support/result_matchers.hpp"

using runed::ErrorCode;
using runed::os::Captured;
using runed::os::run_and_capture;
using runed::test::unwrap;
using runed::test::unwrap_error;
using std::chrono::seconds;

namespace {

runed::os::ChildOptions shell(const std::string& script) {
  return {.arguments = {"/bin/sh", "-c", script}};
}

}  // namespace

TEST_CASE("both streams and the exit code are captured") {
  const Captured captured =
      unwrap(run_and_capture(shell("echo out; echo err >&2; exit 3"), seconds(30), 1000));
  CHECK(captured.output == "out\nerr\n");
  CHECK(captured.status.code == 3);
}

TEST_CASE("what exceeds the limit is dropped, and the program ends all the same") {
  const Captured captured =
      unwrap(run_and_capture(shell("yes | head -c 1000000; exit 4"), seconds(30), 10));
  CHECK(captured.output == "y\ny\ny\ny\ny\n");
  CHECK(captured.status.code == 4);
}

TEST_CASE("a program that does not end in time is given up") {
  CHECK(unwrap_error(run_and_capture(shell("exec sleep 1000"), std::chrono::milliseconds(50), 10))
            .code == ErrorCode::deadline_exceeded);
}

TEST_CASE("a program that is not there cannot be run") {
  const auto error = unwrap_error(run_and_capture({.arguments = {"/nowhere"}}, seconds(1), 10));
  CHECK(error.code == ErrorCode::not_found);
}
