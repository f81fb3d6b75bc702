#pragma once

#include <string>

#include "cmd/commands.hpp"

namespace runed::cmd {

/// The flags of `runed convert`.
struct ConvertFlags {
  std::string source;
  std::string output;
  std::string type;  // Empty: as it is stored.
  bool force = false;
  bool json = false;
};

Runner define_convert(FlagSet& set);

/// Writes a model as a GGUF file.
Result<ExitCode> run_convert(const ConvertFlags& flags, Services& services);

}  // namespace runed::cmd
