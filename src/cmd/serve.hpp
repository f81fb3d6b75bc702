#pragma once

#include "cmd/commands.hpp"
#include "cmd/line/location.hpp"
#include "daemon/life/detach.hpp"

namespace runed::cmd {

/// The flags of `runed serve`.
struct ServeFlags {
  LocationFlags location;
  bootstrap::SettingFlags settings;
  daemon::Starter starter = daemon::Starter::user;  // No flag: for a client that gives no command.
};

Runner define_serve(FlagSet& set);

/// Runs the daemon until it is told to stop.
Result<ExitCode> run_serve(const ServeFlags& flags, Services& services);

}  // namespace runed::cmd
