#pragma once

#include <chrono>
#include <vector>

namespace runed::bench {

/// Tells how much of the machine others took while something was measured: what disturbs
/// llama-server most, whose threads spin until the last of them has come.
class ForeignLoad {
 public:
  /// Starts to count what is not of this process nor of these, which must live until it is asked.
  explicit ForeignLoad(std::vector<int> ours);

  /// Cores that others, hypervisor included, have kept busy since, on average.
  double cores() const;

 private:
  // Seconds of CPU time since the machine started: of all programs, less ours.
  double foreign_seconds() const;

  const std::vector<int> ours_;
  const std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
  const double before_;
};

/// Returns the CPU time of a process in milliseconds, exactly: /proc counts in hundredths of a
/// second. 0 stands for this process.
double exact_cpu_ms(int pid);

}  // namespace runed::bench
