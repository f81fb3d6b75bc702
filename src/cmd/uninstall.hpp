#pragma once

#include <string>

#include "cmd/commands.hpp"
#include "cmd/line/location.hpp"

namespace runed::cmd {

/// The flags of `runed uninstall`.
struct UninstallFlags {
  LocationFlags location;
  std::string name;  // Of the variant, in full or its last part.
  bool dry_run = false;
  bool json = false;
};

Runner define_uninstall(FlagSet& set);

/// Removes a variant that was installed.
Result<ExitCode> run_uninstall(const UninstallFlags& flags, Services& services);

}  // namespace runed::cmd
