#include "cmd/reload.hpp"

#include "cmd/exit_code.hpp"
#include "command_fixture.hpp"
#include "support/result_matchers.hpp"

using runed::cmd::exit_code_of;
using runed::cmd::ExitCode;
using runed::cmd::run_reload;
using runed::test::CommandFixture;
using runed::test::unwrap_error;
using runed::test::write_text;

TEST_CASE("without a daemon there is nothing to reload") {
  CommandFixture fixture;
  const auto error = unwrap_error(run_reload({}, fixture.services));
  CHECK(exit_code_of(error.code) == ExitCode::unavailable);
  CHECK(error.message ==
        "no daemon runs: nothing listens on '" + fixture.home + "/embedding.sock'");
  CHECK(error.hint == "the next one reads config.json when it starts");
  CHECK(fixture.out.str().empty());
}

TEST_CASE("what is wrong in config.json is not asked of a daemon that does not run") {
  CommandFixture fixture;
  write_text(fixture.home + "/config.json", R"({"threads": "many"})");
  const auto error = unwrap_error(run_reload({.json = true}, fixture.services));
  CHECK(exit_code_of(error.code) == ExitCode::unavailable);
  CHECK(fixture.err.str().empty());
}
