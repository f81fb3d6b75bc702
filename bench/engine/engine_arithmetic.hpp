#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "embed/model/model_spec.hpp"
#include "embed/native/run/phase_times.hpp"
#include "embed/request.hpp"

namespace runed::bench {

/// Multiply-adds of a pass, by phase: of the products alone, everything else counts as none.
struct Arithmetic {
  std::array<double, embed::native::kPhaseNames.size()> by_phase{};

  double total() const;
};

/// Counts what has to be computed: each key is asked by the tokens that see it only (attention is
/// causal), and the last layer needs keys and values of every token, the rest of the last one.
Arithmetic count_arithmetic(const embed::ModelSpec& spec,
                            std::span<const embed::PreparedText> texts);

}  // namespace runed::bench
