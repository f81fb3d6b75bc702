#pragma once

#include <string>

#include "base/json.hpp"

namespace runed::bench {

/// What was measured: {machine: {..}, rounds, threads, models: [what measure_model returns]}. Both
/// throw what nlohmann::json throws where something is missing.

/// Writes the tables of bench/RESULTS.md.
std::string make_tables(const Json& results);

/// Draws tokens per second, runed's first mode beside the fastest llama-server of each workload.
std::string draw_plot(const Json& results);

/// Returns the workload's figures of the llama-server that answered it first, by medians; `name` is
/// that contender's.
struct Best {
  std::string name;
  double wall_ms = 0;
  double cpu_ms = 0;
};
Best best_llama(const Json& model, size_t workload);

}  // namespace runed::bench
