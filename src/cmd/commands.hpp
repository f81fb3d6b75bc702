#pragma once

#include <functional>
#include <span>

#include "base/result.hpp"
#include "cmd/exit_code.hpp"
#include "cmd/services.hpp"

namespace runed::cmd {

class FlagSet;

/// A parsed command line, ready to run.
using Runner = std::function<Result<ExitCode>(Services&)>;

struct Command {
  const char* name;
  const char* summary;         // One line of help.
  Runner (*define)(FlagSet&);  // Adds flags and help to the subcommand; the result runs it.
};

/// Every subcommand, in the order of the help.
std::span<const Command> commands();

}  // namespace runed::cmd
