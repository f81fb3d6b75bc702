#pragma once

#include <filesystem>
#include <sstream>
#include <string>

#include "cmd/services.hpp"
#include "support/fake_clock.hpp"
#include "support/fake_environment.hpp"
#include "support/temp_dir.hpp"

namespace runed::test {

/// What a command uses of the outside, with a home in a directory of its own that no daemon serves.
struct CommandFixture {
  CommandFixture() { std::filesystem::create_directories(home + "/models"); }

  TempDir directory;
  std::string home = directory / "home";
  FakeClock clock;
  std::ostringstream out;
  std::ostringstream err;
  cmd::Services services{.clock = clock,
                         .environment = FakeEnvironment{{"RUNED_HOME", home}, {"HOME", "/nowhere"}},
                         .stdin_fd = -1,
                         .out = out,
                         .err = err,
                         .err_is_terminal = false,
                         .end_process = {},
                         .signals = nullptr};
};

}  // namespace runed::test
