#pragma once

#include "base/error.hpp"

namespace runed::cmd {

/// The exit codes of every command, and what each asks of the caller. sysexits.h where it has one,
/// LSB for `status`.
enum class ExitCode {
  ok = 0,
  failure = 1,          // Read the message.
  usage = 2,            // Correct the command line.
  not_running = 3,      // Start a daemon: any `runed embed` does.
  not_serving = 4,      // A daemon runs but cannot embed: `runed status` tells why.
  problem_found = 5,    // `doctor` found a problem: do what it says.
  bad_input = 65,       // Correct the input: it is not UTF-8, or a value is refused.
  no_input = 66,        // Give a text: there was none.
  blank_line = 67,      // Remove the blank line, or the blank text.
  text_too_long = 68,   // Split the text, or ask for --truncate.
  unavailable = 69,     // The daemon could not be started or reached.
  internal = 70,        // A bug or a fault of the engine: report it.
  model = 71,           // The model is missing, damaged or not one that can be served.
  model_mismatch = 72,  // Another model than expected: do not mix the vectors.
  other_settings = 73,  // A daemon runs with other settings: end it, or do without them.
  io = 74,              // Reading or writing failed.
  temporary = 75,       // Try again later.
  integrity = 76,       // Not the bytes that the manifest promises: `runed verify` tells which.
  permission = 77,      // Another user's, or not allowed.
  bad_config = 78,      // Correct the environment or config.json.
  network = 79,         // A server cannot be reached, or answers with an error: try again later.
  timed_out = 124,      // Allow more time.
  interrupted = 130,    // Stopped by SIGINT; 128 + N by signal N.
};

/// Returns the exit code for an error.
ExitCode exit_code_of(ErrorCode code);

}  // namespace runed::cmd
