#pragma once

#include "cmd/commands.hpp"
#include "cmd/line/location.hpp"

namespace runed::cmd {

/// The flags of `runed models`.
struct ModelsFlags {
  LocationFlags location;
  bool json = false;
};

Runner define_models(FlagSet& set);

/// Lists the models that requests can name: those of the daemon that runs, else those that the next one
/// would have. Starts and wakes nothing.
Result<ExitCode> run_models(const ModelsFlags& flags, Services& services);

}  // namespace runed::cmd
