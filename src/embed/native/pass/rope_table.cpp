#include "embed/native/pass/rope_table.hpp"

#include <cmath>

namespace runed::embed::native {

RopeTable::RopeTable(float base, uint32_t head_width, double scale)
    : half_(head_width / 2) {
  for (size_t i = 0; i < half_; ++i) {
    const double exponent = -2.0 * static_cast<double>(i) / head_width;
    frequencies_.push_back(std::pow(static_cast<double>(base), exponent) / scale);
  }
}

void RopeTable::extend(size_t positions) {
  const size_t known = cosines_.size() / half_;
  if (positions <= known) return;
  cosines_.reserve(positions * half_);
  sines_.reserve(positions * half_);
  for (size_t position = known; position < positions; ++position) {
    for (const double frequency : frequencies_) {
      const double angle = static_cast<double>(position) * frequency;
      cosines_.push_back(static_cast<float>(std::cos(angle)));
      sines_.push_back(static_cast<float>(std::sin(angle)));
    }
  }
}

}  // namespace runed::embed::native
