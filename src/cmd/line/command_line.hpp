#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "cmd/commands.hpp"

namespace CLI {
class App;
}

namespace runed::cmd {

/// What a command line asks for.
struct ParsedCommandLine {
  Runner run;        // Empty if only `text` is asked for.
  std::string text;  // Help or version, for stdout.
};

/// Builds the parser with every subcommand in it; tests read the flags from it.
class CommandLine {
 public:
  CommandLine();
  ~CommandLine();
  CommandLine(const CommandLine&) = delete;
  CommandLine& operator=(const CommandLine&) = delete;

  /// Parses arguments, the program's name left out.
  /// Errors: usage, with the nearest word for a misspelling.
  Result<ParsedCommandLine> parse(const std::vector<std::string>& arguments);

  /// The help of the program itself.
  std::string help() const;

  CLI::App& app() { return *app_; }

 private:
  const CLI::App& chosen_app() const;  // Of the command, or the one that has them all.

  std::unique_ptr<CLI::App> app_;
  std::vector<Runner> runners_;  // One a command, in the order of commands().
};

/// Tells whether the arguments ask for JSON, as far as that can be told of a line that may be
/// wrong.
bool wants_json(const std::vector<std::string>& arguments);

}  // namespace runed::cmd
