#include "os/machine/cpus.hpp"

#include <sched.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>

#include "os/machine/cgroup.hpp"

namespace runed::os {
namespace {

unsigned affinity_cpus() {
  std::array<cpu_set_t, 16> sets{};  // 16,384 CPUs: more than Linux supports.
  if (::sched_getaffinity(0, sizeof(sets), sets.data()) != 0) return 1;
  return static_cast<unsigned>(CPU_COUNT_S(sizeof(sets), sets.data()));
}

}  // namespace

unsigned available_cpus() {
  const unsigned affinity = std::max(1U, affinity_cpus());
  const std::optional<double> quota = find_cgroup_quota("/");
  if (!quota.has_value()) return affinity;
  return std::min(affinity, static_cast<unsigned>(std::ceil(std::min(*quota, 16384.0))));
}

}  // namespace runed::os
