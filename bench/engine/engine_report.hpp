#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/json.hpp"
#include "engine_kernel.hpp"
#include "engine_load.hpp"
#include "engine_peak.hpp"
#include "engine_speed.hpp"

namespace runed::bench {

/// A workload's times on some threads.
struct SpeedRow {
  Workload workload;
  uint32_t threads = 1;
  Speed speed;
};

/// All that was measured of one mode.
struct ModeResult {
  Mode mode;
  std::optional<ModePeak> peak;
  uint32_t threads = 1;  // Of load and memory.
  std::vector<SpeedRow> speeds;
  LoadTimes load;
  PrivateMemory memory;
  std::vector<KernelRate> kernel;
};

/// Prints what the machine can do at most, or nothing where no instruction is known.
void print_peaks(const std::vector<Peak>& peaks, uint32_t threads);

void print_speed_heading(const Mode& mode);

/// `peak` may be null: then the fractions of it are not told.
void print_speed_row(const SpeedRow& row, const ModePeak* peak);

/// Prints where the time of the passes went on most threads.
void print_phases(const std::vector<SpeedRow>& rows, const ModePeak* peak);

void print_kernel(const std::vector<ModeResult>& results);

void print_load(const std::vector<ModeResult>& results);

Json to_json(const Peak& peak);
Json to_json(const ModeResult& result);

}  // namespace runed::bench
