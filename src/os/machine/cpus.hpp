#pragma once

namespace runed::os {

/// Returns how many CPUs this process may keep busy: those of its affinity, or the quota of its
/// cgroup, rounded up, if that is less. At least 1. The machine may have many more.
unsigned available_cpus();

}  // namespace runed::os
