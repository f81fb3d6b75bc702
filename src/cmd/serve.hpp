#pragma once

#include <optional>
#include <string>

#include "cmd/commands.hpp"
#include "cmd/line/location.hpp"
#include "daemon/life/detach.hpp"

namespace runed::cmd {

/// The flags of `runed serve`.
struct ServeFlags {
  LocationFlags location;
  std::optional<std::string> model;
  std::optional<std::string> variant;
  std::optional<std::string> manifest;
  std::optional<std::string> engine;
  std::optional<std::string> llama_profile;
  std::optional<std::string> idle_timeout;
  std::optional<std::string> ctx_size;
  std::optional<std::string> cache_mb;
  std::optional<std::string> cpu;
  std::optional<std::string> compute;
  std::optional<std::string> threads;
  daemon::Starter starter = daemon::Starter::user;  // No flag: for a client that gives no command.
};

Runner define_serve(CLI::App& app);

/// Runs the daemon until it is told to stop.
Result<ExitCode> run_serve(const ServeFlags& flags, Services& services);

}  // namespace runed::cmd
