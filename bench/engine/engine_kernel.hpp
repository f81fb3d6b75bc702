#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "engine_setup.hpp"

namespace runed::bench {

/// The parts of a product on one core, with everything in its own caches.
struct KernelRate {
  std::string matrix;   // `gate`
  std::string weights;  // Type they are stored in.
  bool is_attention = false;
  size_t depth = 0;
  double gmacs = 0;       // Of rows by a panel: multiply-adds in G per second of CPU time.
  double pack_us = 0;     // Of one panel from stored rows.
  double prepare_us = 0;  // Of one row of inputs; 0 where it needs no preparation.

  /// As many rows take as long to be multiplied as the panel takes to be packed.
  double rows_per_pack() const;
};

/// Measures the products of a model's feed-forward layer, shallow and deep, and the scores of
/// attention.
std::vector<KernelRate> measure_kernel(const Model& model, const Mode& mode);

}  // namespace runed::bench
