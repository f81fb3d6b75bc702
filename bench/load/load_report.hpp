#pragma once

#include "base/json.hpp"
#include "load_daemon.hpp"
#include "load_options.hpp"
#include "load_tally.hpp"

namespace runed::bench {

/// What a population did.
struct PopulationResult {
  LoadTally tally;
  double seconds = 0;
  uint32_t stalled_clients = 0;
};

/// Describes a population and what it saw. Units are in the names.
Json describe(const PopulationOptions& options, PopulationResult& result);

/// Describes what the daemon did meanwhile.
Json describe(const DaemonWork& work);

/// Describes the daemon's memory.
Json describe_memory(const DaemonLook& before, const ObservedDaemon& daemon,
                     const DaemonLook& after);

/// Prints the report as a table, a figure a row, and writes it as JSON where that was asked for.
/// Errors: io.
Status publish(const Json& report, const std::string& json_path);

}  // namespace runed::bench
