#pragma once

#include <cstddef>
#include <random>
#include <vector>

namespace runed::test {

/// Returns floats from -bound to bound, other ones at each call, the same ones in each run.
inline std::vector<float> random_floats(size_t count, float bound = 1.0F) {
  static std::minstd_rand generator(20);
  std::uniform_real_distribution<float> distribution(-bound, bound);
  std::vector<float> values(count);
  for (float& value : values) value = distribution(generator);
  return values;
}

}  // namespace runed::test
