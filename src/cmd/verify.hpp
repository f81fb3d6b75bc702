#pragma once

#include "cmd/commands.hpp"
#include "cmd/line/location.hpp"

namespace runed::cmd {

/// The flags of `runed verify`.
struct VerifyFlags {
  LocationFlags location;
  bool deep = false;
  bool fix = false;
  bool json = false;
};

Runner define_verify(FlagSet& set);

/// Checks everything installed, one line a check.
Result<ExitCode> run_verify(const VerifyFlags& flags, Services& services);

}  // namespace runed::cmd
