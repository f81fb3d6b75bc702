#pragma once

#include "cmd/commands.hpp"
#include "cmd/line/location.hpp"

namespace runed::cmd {

/// The flags of `runed status`.
struct StatusFlags {
  LocationFlags location;
  bool json = false;
  double wait_ready_seconds = 0;  // 0: look once.
};

Runner define_status(FlagSet& set);

/// Tells what the daemon is doing, without starting or waking anything.
Result<ExitCode> run_status(const StatusFlags& flags, Services& services);

}  // namespace runed::cmd
