#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace runed::embed::native {

/// The cosines and sines of the rotary position embedding: pair i of a head at position p turns by
/// p / scale * base^(-2 i / head_width). Computed in double, once for each position, as far as texts reach.
/// Source: Su et al., RoFormer (arXiv:2104.09864), section 3.2.2.
class RopeTable {
 public:
  RopeTable(float base, uint32_t head_width, double scale = 1);

  /// Computes the rows of all positions below `positions` that are not there yet.
  void extend(size_t positions);

  /// [head_width / 2] each.
  const float* cosines(size_t position) const { return cosines_.data() + position * half_; }
  const float* sines(size_t position) const { return sines_.data() + position * half_; }

 private:
  size_t half_;
  std::vector<double> frequencies_;  // [half_], radians per position.
  std::vector<float> cosines_;       // [positions, half_]
  std::vector<float> sines_;         // [positions, half_]
};

}  // namespace runed::embed::native
