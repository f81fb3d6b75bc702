#pragma once

#include <cstddef>

#include "embed/model/float_formats.hpp"

namespace runed::embed::native {

/// Memory that will be read soon, to be asked for bit by bit beside other work, so that reading
/// from memory and computing overlap: asked for at once, more lines than the CPU has buffers for
/// would only make it wait. In ascending order, which the hardware continues by itself.
struct Prefetch {
  static constexpr size_t kLine = 64;

  const std::byte* next = nullptr;
  size_t lines = 0;
  size_t lines_of_step = 0;

  /// Spreads what is left over this many steps.
  RUNED_ALWAYS_INLINE void spread(size_t steps) {
    lines_of_step = steps == 0 ? lines : (lines + steps - 1) / steps;
  }

  RUNED_ALWAYS_INLINE void step() {
    constexpr int kIntoL2 = 2;
    if (lines == 0) return;
    const size_t count = lines_of_step < lines ? lines_of_step : lines;
    for (size_t i = 0; i < count; ++i) __builtin_prefetch(next + i * kLine, 0, kIntoL2);
    next += count * kLine;
    lines -= count;
  }
};

}  // namespace runed::embed::native
