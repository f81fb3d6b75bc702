#pragma once

#include <optional>
#include <string>

namespace runed::os {

/// Returns how many CPUs this process may keep busy: those of its affinity, or the quota of its
/// cgroup, rounded up, if that is less. At least 1. The machine may have many more.
unsigned available_cpus();

/// Finds the smallest CPU quota among this process's cgroup and those above it, in CPUs.
/// Needs:  `root` is `/`, or a copy of its `proc/self/cgroup` and `sys/fs/cgroup`.
/// Source: Linux, admin-guide/cgroup-v2.rst, cpu.max; scheduler/sched-bwc.rst, cpu.cfs_quota_us.
std::optional<double> find_cgroup_quota(const std::string& root);

}  // namespace runed::os
