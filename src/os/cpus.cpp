#include "os/cpus.hpp"

#include <sched.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <ranges>

#include "base/text.hpp"
#include "os/files.hpp"

namespace runed::os {
namespace {

constexpr size_t kMaxBytes = size_t{64} * 1024;

// A file of one line; empty if it cannot be read.
std::string read_line(const std::string& path) {
  const Result<std::string> text = read_file(path, kMaxBytes);
  return text.has_value() ? text->substr(0, text->find('\n')) : std::string();
}

// Quota over period. Whatever is not two positive numbers, such as `max` or `-1`, is no quota.
std::optional<double> to_cpus(std::string_view quota, std::string_view period) {
  const auto parse = [](std::string_view text) {
    double value = 0;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
  };
  if (parse(quota) <= 0 || parse(period) <= 0) return std::nullopt;
  return parse(quota) / parse(period);
}

std::optional<double> quota_v2(const std::string& directory) {
  const std::string line = read_line(directory + "/cpu.max");
  const auto fields = split(line, ' ');
  return fields.size() == 2 ? to_cpus(fields[0], fields[1]) : std::nullopt;
}

std::optional<double> quota_v1(const std::string& directory) {
  return to_cpus(read_line(directory + "/cpu.cfs_quota_us"),
                 read_line(directory + "/cpu.cfs_period_us"));
}

// The least of two quotas, either of which may be missing.
std::optional<double> least(std::optional<double> a, std::optional<double> b) {
  if (!a.has_value() || !b.has_value()) return a.has_value() ? a : b;
  return std::min(*a, *b);
}

// From a cgroup up to its mount. In a container the group's own path may be missing there; the
// mount is then the container's group.
template <typename Quota>
std::optional<double> least_quota(const std::string& mount, std::string group, Quota quota_of) {
  std::optional<double> result;
  while (group.size() > 1) {
    result = least(result, quota_of(mount + group));
    group = parent_directory(group);
  }
  return least(result, quota_of(mount));
}

unsigned affinity_cpus() {
  std::array<cpu_set_t, 16> sets{};  // 16,384 CPUs: more than Linux supports.
  if (::sched_getaffinity(0, sizeof(sets), sets.data()) != 0) return 1;
  return static_cast<unsigned>(CPU_COUNT_S(sizeof(sets), sets.data()));
}

}  // namespace

std::optional<double> find_cgroup_quota(const std::string& root) {
  const Result<std::string> groups = read_file(root + "/proc/self/cgroup", kMaxBytes);
  if (!groups.has_value()) return std::nullopt;
  const std::string mounts = root + "/sys/fs/cgroup";
  std::optional<double> result;
  for (const std::string_view line : split(*groups, '\n')) {
    // Source: cgroups(7): hierarchy id, controllers (none: version 2), path; between colons.
    const auto fields = split(line, ':');
    if (fields.size() < 3) continue;
    const std::string group(line.substr(fields[0].size() + fields[1].size() + 2));
    if (fields[1].empty()) {
      result = least(result, least_quota(mounts, group, quota_v2));
    } else if (std::ranges::count(split(fields[1], ','), "cpu") > 0) {
      result = least(result, least_quota(mounts + "/cpu", group, quota_v1));
    }
  }
  return result;
}

unsigned available_cpus() {
  const unsigned affinity = std::max(1U, affinity_cpus());
  const std::optional<double> quota = find_cgroup_quota("/");
  if (!quota.has_value()) return affinity;
  return std::min(affinity, static_cast<unsigned>(std::ceil(std::min(*quota, 16384.0))));
}

}  // namespace runed::os
