#pragma once

#include <chrono>

namespace runed {

using SteadyTime = std::chrono::steady_clock::time_point;
using SystemTime = std::chrono::system_clock::time_point;

/// The time, as a seam for tests.
class Clock {
 public:
  virtual ~Clock() = default;
  /// Time for measuring and waiting; never goes back.
  virtual SteadyTime steady_now() const = 0;
  /// Time of day, for people.
  virtual SystemTime system_now() const = 0;
};

/// The machine's clocks.
class SystemClock final : public Clock {
 public:
  SteadyTime steady_now() const override { return std::chrono::steady_clock::now(); }
  SystemTime system_now() const override { return std::chrono::system_clock::now(); }
};

}  // namespace runed
