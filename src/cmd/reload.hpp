#pragma once

#include "cmd/commands.hpp"
#include "cmd/line/location.hpp"

namespace runed::cmd {

/// The flags of `runed reload`.
struct ReloadFlags {
  LocationFlags location;
  bool json = false;
};

Runner define_reload(FlagSet& set);

/// Has the daemon that runs read config.json again, and tells what has changed by that.
/// Errors: unavailable if none runs; bad_config if the file is.
Result<ExitCode> run_reload(const ReloadFlags& flags, Services& services);

}  // namespace runed::cmd
