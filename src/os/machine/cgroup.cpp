#include "os/machine/cgroup.hpp"

#include <algorithm>
#include <charconv>
#include <ranges>

#include "base/text.hpp"
#include "os/file/files.hpp"

namespace runed::os {
namespace {

constexpr size_t kMaxBytes = size_t{64} * 1024;

// A file of one line; empty if it cannot be read.
std::string read_line(const std::string& path) {
  const Result<std::string> text = read_file(path, kMaxBytes);
  return text.has_value() ? text->substr(0, text->find('\n')) : std::string();
}

// 0 for what is no number, such as `max`.
double parse(std::string_view text) {
  double value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

// Quota over period. Whatever is not two positive numbers, such as `max` or `-1`, is no quota.
std::optional<double> to_cpus(std::string_view quota, std::string_view period) {
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

// Version 1 has a number where there is no limit too: the greatest number of whole pages.
std::optional<double> to_bytes(std::string_view text) {
  constexpr double kNone = 9e18;
  const double bytes = parse(text);
  return bytes > 0 && bytes < kNone ? std::optional(bytes) : std::nullopt;
}

std::optional<double> memory_v2(const std::string& directory) {
  return to_bytes(read_line(directory + "/memory.max"));
}

std::optional<double> memory_v1(const std::string& directory) {
  return to_bytes(read_line(directory + "/memory.limit_in_bytes"));
}

// The least of two limits, either of which may be missing.
std::optional<double> least(std::optional<double> a, std::optional<double> b) {
  if (!a.has_value() || !b.has_value()) return a.has_value() ? a : b;
  return std::min(*a, *b);
}

// From a cgroup up to its mount. In a container the group's own path may be missing there; the
// mount is then the container's group.
template <typename Limit>
std::optional<double> least_limit(const std::string& mount, std::string group, Limit limit_of) {
  std::optional<double> result;
  while (group.size() > 1) {
    result = least(result, limit_of(mount + group));
    group = parent_directory(group);
  }
  return least(result, limit_of(mount));
}

// The least of what a limit is in the cgroups of this process, of version 2 or of the controller's
// own hierarchy of version 1.
template <typename Version2, typename Version1>
std::optional<double> find_limit(const std::string& root, std::string_view controller,
                                 Version2 read_v2, Version1 read_v1) {
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
      result = least(result, least_limit(mounts, group, read_v2));
    } else if (std::ranges::count(split(fields[1], ','), controller) > 0) {
      result =
          least(result, least_limit(fmt::format("{}/{}", mounts, controller), group, read_v1));
    }
  }
  return result;
}

}  // namespace

std::optional<double> find_cgroup_quota(const std::string& root) {
  return find_limit(root, "cpu", quota_v2, quota_v1);
}

std::optional<double> find_cgroup_memory(const std::string& root) {
  return find_limit(root, "memory", memory_v2, memory_v1);
}

}  // namespace runed::os
