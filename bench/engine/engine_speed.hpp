#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine_arithmetic.hpp"
#include "engine_setup.hpp"

namespace runed::bench {

/// Texts to embed at once, as the daemon would: in passes of at most Engine::batch_tokens.
struct Workload {
  std::string name;               // `32x24`
  std::vector<uint32_t> lengths;  // Of the texts, in tokens.
  bool once = false;              // Too long to be repeated, or to be run on one thread.

  uint64_t tokens() const;
};

/// The lengths and batches that are compared everywhere.
std::vector<Workload> standard_workloads();

/// The times of one workload, medians of all runs.
struct Speed {
  double wall_ms = 0;
  double cpu_ms = 0;  // Of all threads, those that wait for others included.
  size_t runs = 0;
  double giga_multiply_adds = 0;  // Of one run.
  std::vector<double> phase_ms;   // [phases], mean of the runs.
  Arithmetic arithmetic;
};

/// Embeds a workload until its times can be trusted, within about `seconds`.
Speed measure_speed(const Model& model, const Mode& mode, uint32_t threads,
                    const Workload& workload, double seconds);

}  // namespace runed::bench
