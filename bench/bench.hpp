#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace runed::bench {

/// Ends the program if what a measurement rests on does not hold.
inline void require(bool holds, std::string_view what) {
  if (holds) return;
  fmt::print(stderr, "bench: {}\n", what);
  std::exit(1);
}

template <typename T>
T value(Result<T> result) {
  require(result.has_value(), result ? "" : format_error(result.error()));
  if constexpr (!std::is_void_v<T>) return std::move(result).value();
}

inline double milliseconds_since(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin)
      .count();
}

double milliseconds_of(const auto& work) {
  const auto begin = std::chrono::steady_clock::now();
  work();
  return milliseconds_since(begin);
}

/// Needs: at least one value.
inline double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

}  // namespace runed::bench
