#pragma once

#include <string>

#include "base/json.hpp"

namespace runed::bench {

/// What was measured: {machine: {..}, rounds, threads, models: [what measure_model returns]}. Both
/// throw what nlohmann::json throws where something is missing.

/// Writes the tables of bench/RESULTS.md.
std::string make_tables(const Json& results);

/// Draws tokens per second, runed's first mode beside the best peer of each workload.
std::string draw_plot(const Json& results);

/// Returns the workload's figures of the peer that answered it first, by medians, and its name: of the
/// llama-servers, which have the same file, and the rivals that are as exact as the contender. That has
/// three grades: a 1-cosine to the reference of up to 1e-5 in every workload, as f32 keeps, of up to
/// 1e-3, as we promise, and any.
struct Best {
  std::string name;
  double wall_ms = 0;
  double cpu_ms = 0;
};
Best best_peer(const Json& model, const Json& contender, size_t workload);

}  // namespace runed::bench
