#pragma once

#include "cmd/commands.hpp"
#include "cmd/line/location.hpp"

namespace runed::cmd {

/// The flags of `runed doctor`.
struct DoctorFlags {
  LocationFlags location;
  bool json = false;
};

Runner define_doctor(FlagSet& set);

/// Looks at everything that a daemon here depends on, without the network and without reading a
/// model again. What is wrong is a finding; the exit code tells whether there is a problem.
Result<ExitCode> run_doctor(const DoctorFlags& flags, Services& services);

}  // namespace runed::cmd
