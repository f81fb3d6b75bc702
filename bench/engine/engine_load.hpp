#pragma once

#include <cstdint>

#include "engine_setup.hpp"

namespace runed::bench {

/// What it takes to have an engine ready, with its file in the page cache; medians.
struct LoadTimes {
  double fresh_start_ms = 0;  // start() of an engine that never ran.
  double restart_ms = 0;      // start() after stop().
  double first_pass_ms = 0;   // One text of 12 tokens after that,
  double warm_pass_ms = 0;    // and once more.

  /// What the request pays that resumes a suspended engine.
  double resume_ms() const { return restart_ms + first_pass_ms - warm_pass_ms; }
};

LoadTimes measure_load(const Model& model, const Mode& mode, uint32_t threads);

/// Private memory of the process (RssAnon) less what it had before the engine was made, in bytes.
struct PrivateMemory {
  int64_t floor = 0;  // What it had before: the only absolute number.
  int64_t idle = 0;   // Made, never started.
  int64_t started = 0;
  int64_t after_pass = 0;  // Of one text of 2,048 tokens.
  int64_t stopped = 0;
};

PrivateMemory measure_memory(const Model& model, const Mode& mode, uint32_t threads);

}  // namespace runed::bench
