#pragma once

#include <cstdio>
#include <string>

#include "support/catch.hpp"

namespace runed::test {

/// How many tests of this executable left themselves out. If any did and none failed, it ends with
/// kLeftOutExitCode, which ctest shows as skipped.
inline int left_out_tests = 0;
inline constexpr int kLeftOutExitCode = 77;

/// Says on stderr, where `scripts/test` finds it, that the test which runs leaves itself out.
inline void leave_out(const std::string& reason) {
  ++left_out_tests;
  const std::string name = Catch::getResultCapture().getCurrentTestName();
  std::fprintf(stderr, "runed: LEFT OUT: '%s': %s\n", name.c_str(), reason.c_str());
  WARN("left out: " << reason);
}

/// Says there by name what of a loop over what a machine has is missing on this one. The test itself
/// ran, with the rest.
inline void say_lacking(const std::string& what) {
  const std::string name = Catch::getResultCapture().getCurrentTestName();
  std::fprintf(stderr, "runed: LEFT OUT: '%s': this machine has no %s\n", name.c_str(),
               what.c_str());
}

/// Ends the test that runs, whose outcome stays what it is: for helpers of one that is left out.
[[noreturn]] inline void end_test() {
  throw Catch::TestFailureException();  // Catch2 takes it for the end of a test, and no more.
}

}  // namespace runed::test
