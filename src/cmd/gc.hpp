#pragma once

#include <string>

#include "cmd/commands.hpp"
#include "cmd/line/location.hpp"

namespace runed::cmd {

/// The flags of `runed gc`.
struct GcFlags {
  LocationFlags location;
  int keep = 0;
  std::string older_than;  // As written; empty: any age.
  bool dry_run = false;
  bool json = false;
};

Runner define_gc(FlagSet& set);

/// Removes what nobody needs.
Result<ExitCode> run_gc(const GcFlags& flags, Services& services);

}  // namespace runed::cmd
