#pragma once

#include <optional>
#include <string>

#include "cmd/commands.hpp"
#include "cmd/line/location.hpp"

namespace runed::cmd {

/// The flags of `runed install`.
struct InstallFlags {
  LocationFlags location;
  std::optional<std::string> source;       // A model of one's own: a file, a directory or a URL.
  std::optional<std::string> name;         // What that is to be called.
  std::optional<std::string> sha256;       // What that must hash to.
  bootstrap::SettingFlags settings;        // The variant and the manifest.
  std::optional<std::string> from;         // Bundle to install from.
  std::optional<std::string> export_file;  // Bundle to write.
  bool make_default = false;               // What is served where no model is named.
  bool engine_only = false;
  bool model_only = false;
  bool offline = false;
  bool list = false;
  std::optional<std::string> search;  // A word: only what it is in is listed.
  bool dry_run = false;
  bool json = false;
};

Runner define_install(FlagSet& set);

/// Installs a model and a llama-server, or tells what there is to install.
Result<ExitCode> run_install(const InstallFlags& flags, Services& services);

}  // namespace runed::cmd
