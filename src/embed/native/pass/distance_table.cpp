#include "embed/native/pass/distance_table.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>

namespace runed::embed::native {
namespace {

size_t bucket_of(ptrdiff_t distance, size_t buckets) {
  const size_t side = buckets / 2;
  const size_t exact = side / 2;
  const auto away = static_cast<size_t>(std::abs(distance));
  size_t bucket = away;
  if (away >= exact) {
    const double share = std::log(static_cast<double>(away) / static_cast<double>(exact)) /
                         std::log(static_cast<double>(DistanceTable::kFarthest) /
                                  static_cast<double>(exact));
    const auto wider = static_cast<size_t>(share * static_cast<double>(side - exact));
    bucket = std::min(exact + wider, side - 1);
  }
  return distance < 0 ? bucket + side : bucket;
}

}  // namespace

template <typename Of>
DistanceTable::DistanceTable(size_t reach, bool sees_beyond, const Of& addend_of)
    : reach_(reach), sees_beyond_(sees_beyond) {
  const auto farthest = static_cast<ptrdiff_t>(reach);
  const auto padding = static_cast<ptrdiff_t>(ByDistance::kPadding);
  for (ptrdiff_t distance = -farthest - padding; distance <= farthest + padding; ++distance) {
    addends_.push_back(addend_of(std::clamp(distance, -farthest, farthest)));
  }
}

DistanceTable DistanceTable::of_window(size_t window) {
  return {window + 1, false, [window](ptrdiff_t distance) {
            return static_cast<size_t>(std::abs(distance)) <= window ? 0 : kLeastScore;
          }};
}

DistanceTable DistanceTable::of_buckets(std::span<const float> addends) {
  return {kFarthest, true,
          [addends](ptrdiff_t distance) { return addends[bucket_of(distance, addends.size())]; }};
}

ByDistance DistanceTable::view() const {
  return {.middle = addends_.data() + reach_ + ByDistance::kPadding,
          .reach = reach_,
          .sees_beyond = sees_beyond_};
}

float DistanceTable::at(ptrdiff_t distance) const {
  const auto farthest = static_cast<ptrdiff_t>(reach_);
  return view().middle[std::clamp(distance, -farthest, farthest)];
}

}  // namespace runed::embed::native
