#pragma once

#include <optional>
#include <string>

namespace runed::os {

/// Finds the smallest CPU quota among this process's cgroup and those above it, in CPUs.
/// Needs:  `root` is `/`, or a copy of its `proc/self/cgroup` and `sys/fs/cgroup`.
/// Source: Linux, admin-guide/cgroup-v2.rst, cpu.max; scheduler/sched-bwc.rst, cpu.cfs_quota_us.
std::optional<double> find_cgroup_quota(const std::string& root);

/// The same of memory, in bytes.
/// Source: as above, memory.max; cgroup-v1/memory.rst, memory.limit_in_bytes.
std::optional<double> find_cgroup_memory(const std::string& root);

}  // namespace runed::os
