#pragma once

#include "cmd/commands.hpp"
#include "cmd/line/location.hpp"

namespace runed::cmd {

/// The flags of `runed shutdown`.
struct ShutdownFlags {
  LocationFlags location;
  bool json = false;
  int grace_seconds = 0;    // For requests under way; 0: the daemon's default.
  double wait_seconds = 0;  // For the process to be gone; 0: do not wait.
  bool force = false;       // SIGTERM, then SIGKILL, when asking is not enough.
};

Runner define_shutdown(FlagSet& set);

/// Asks the daemon to exit. Succeeds if none runs.
/// Errors: deadline_exceeded if the process is still there when the wait is over.
Result<ExitCode> run_shutdown(const ShutdownFlags& flags, Services& services);

}  // namespace runed::cmd
