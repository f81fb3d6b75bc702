// The main function of every test executable. Catch2 v2 makes its own parts from the macro.
#define CATCH_CONFIG_RUNNER
#include "support/catch.hpp"
#include "support/left_out.hpp"

int main(int argc, char** argv) {
  const int failed = Catch::Session().run(argc, argv);
  if (failed != 0) return 1;
  return runed::test::left_out_tests == 0 ? 0 : runed::test::kLeftOutExitCode;
}
