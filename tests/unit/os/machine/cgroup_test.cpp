#include "os/machine/cgroup.hpp"

#include "support/catch.hpp"
#include "support/temp_dir.hpp"

using runed::os::find_cgroup_memory;
using runed::os::find_cgroup_quota;
using runed::test::TempDir;

namespace {

// Writes a file of a pretended root directory.
void put(const TempDir& root, const std::string& name, const std::string& text) {
  const std::filesystem::path path = root / name;
  std::filesystem::create_directories(path.parent_path());
  runed::test::write_text(path, text);
}

}  // namespace

TEST_CASE("the least quota up the version 2 hierarchy counts") {
  const TempDir root;
  put(root, "proc/self/cgroup", "0::/slice/unit\n");
  put(root, "sys/fs/cgroup/slice/unit/cpu.max", "max 100000\n");
  CHECK_FALSE(find_cgroup_quota(root.path()).has_value());
  put(root, "sys/fs/cgroup/slice/cpu.max", "250000 100000\n");
  CHECK(find_cgroup_quota(root.path()) == 2.5);
  put(root, "sys/fs/cgroup/slice/unit/cpu.max", "400000 100000\n");
  CHECK(find_cgroup_quota(root.path()) == 2.5);
  put(root, "sys/fs/cgroup/cpu.max", "50000 100000\n");
  CHECK(find_cgroup_quota(root.path()) == 0.5);
}

TEST_CASE("a container's own quota counts, where its path does not exist") {
  const TempDir root;
  put(root, "proc/self/cgroup", "0::/../../docker:x/abc\n");
  put(root, "sys/fs/cgroup/cpu.max", "200000 100000\n");
  CHECK(find_cgroup_quota(root.path()) == 2.0);
}

TEST_CASE("version 1 quotas count, whatever shares the controller's hierarchy") {
  const TempDir root;
  put(root, "proc/self/cgroup", "12:cpuset:/a\n4:cpu,cpuacct:/a/b\n1:name=systemd:/a\n");
  put(root, "sys/fs/cgroup/cpu/a/b/cpu.cfs_quota_us", "-1\n");
  put(root, "sys/fs/cgroup/cpu/a/b/cpu.cfs_period_us", "100000\n");
  CHECK_FALSE(find_cgroup_quota(root.path()).has_value());
  put(root, "sys/fs/cgroup/cpu/a/cpu.cfs_quota_us", "150000\n");
  put(root, "sys/fs/cgroup/cpu/a/cpu.cfs_period_us", "100000\n");
  CHECK(find_cgroup_quota(root.path()) == 1.5);
}

TEST_CASE("files that make no sense are no quota") {
  const TempDir root;
  CHECK_FALSE(find_cgroup_quota(root.path()).has_value());
  put(root, "proc/self/cgroup", "nonsense\n0::\n0::/g\n");
  for (const char* text : {"", "x y\n", "100000\n", "100000 0\n", "0 100000\n", "-5 100000\n"}) {
    CAPTURE(text);
    put(root, "sys/fs/cgroup/g/cpu.max", text);
    CHECK_FALSE(find_cgroup_quota(root.path()).has_value());
  }
}

TEST_CASE("the least limit of memory counts, in either hierarchy") {
  const TempDir root;
  put(root, "proc/self/cgroup", "4:memory:/a\n0::/slice/unit\n");
  put(root, "sys/fs/cgroup/memory/a/memory.limit_in_bytes", "9223372036854771712\n");
  put(root, "sys/fs/cgroup/slice/unit/memory.max", "max\n");
  CHECK_FALSE(find_cgroup_memory(root.path()).has_value());
  put(root, "sys/fs/cgroup/slice/memory.max", "104857600\n");
  CHECK(find_cgroup_memory(root.path()) == 100 << 20);
  put(root, "sys/fs/cgroup/memory/memory.limit_in_bytes", "4096\n");
  CHECK(find_cgroup_memory(root.path()) == 4096);
}
