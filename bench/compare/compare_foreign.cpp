#include "compare_foreign.hpp"

#include <algorithm>
#include <ctime>
#include <fstream>
#include <string>

#include "bench.hpp"

namespace runed::bench {
namespace {

constexpr double kTicksPerSecond = 100;  // USER_HZ. Source: proc_stat(5).

// Source: proc_stat(5): user, nice, system, idle, iowait, irq, softirq, steal.
double busy_seconds() {
  std::ifstream file("/proc/stat");
  std::string word;
  file >> word;
  double ticks = 0;
  for (int field = 0; field < 8; ++field) {
    double value = 0;
    file >> value;
    if (field != 3 && field != 4) ticks += value;
  }
  return ticks / kTicksPerSecond;
}

}  // namespace

double exact_cpu_ms(int pid) {
  clockid_t clock = CLOCK_PROCESS_CPUTIME_ID;
  timespec time{};
  require(
      (pid == 0 || ::clock_getcpuclockid(pid, &clock) == 0) && ::clock_gettime(clock, &time) == 0,
      "there is no clock of a process");
  return static_cast<double>(time.tv_sec) * 1e3 + static_cast<double>(time.tv_nsec) / 1e6;
}

ForeignLoad::ForeignLoad(std::vector<int> ours)
    : ours_(std::move(ours)), before_(foreign_seconds()) {}

double ForeignLoad::foreign_seconds() const {
  double seconds = busy_seconds() - exact_cpu_ms(0) / 1e3;
  for (const int pid : ours_) seconds -= exact_cpu_ms(pid) / 1e3;
  return seconds;
}

double ForeignLoad::cores() const {
  return std::max(0.0, (foreign_seconds() - before_) / (milliseconds_since(begin_) / 1e3));
}

}  // namespace runed::bench
