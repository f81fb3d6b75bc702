#include "cmd/exit_code.hpp"

#include <set>

#include "support/catch.hpp"

using runed::ErrorCode;
using runed::cmd::exit_code_of;

TEST_CASE("the faults of an input have an exit code each") {
  const std::set<runed::cmd::ExitCode> codes{
      exit_code_of(ErrorCode::bad_input), exit_code_of(ErrorCode::blank_line),
      exit_code_of(ErrorCode::no_input), exit_code_of(ErrorCode::text_too_long)};
  CHECK(codes.size() == 4);
}

TEST_CASE("no error is a success") {
  for (int i = 0; i <= static_cast<int>(ErrorCode::peer_refused); ++i) {
    CHECK(exit_code_of(static_cast<ErrorCode>(i)) != runed::cmd::ExitCode::ok);
  }
}
