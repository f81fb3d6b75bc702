#include "os/directory/disk_space.hpp"

#include "support/result_matchers.hpp"
#include "support/temp_dir.hpp"

using runed::os::free_disk_bytes;
using runed::test::TempDir;
using runed::test::unwrap;
using runed::test::unwrap_error;

TEST_CASE("the free space is about what the standard library tells") {
  const TempDir dir;
  const auto expected = static_cast<double>(std::filesystem::space(dir.path()).available);
  // Others write to this file system too.
  CHECK(static_cast<double>(unwrap(free_disk_bytes(dir.path()))) == Approx(expected).epsilon(0.05));
}

TEST_CASE("a file system without room has no free bytes") {
  CHECK(unwrap(free_disk_bytes("/proc")) == 0);
}

TEST_CASE("the free space of a path that is not there is an error") {
  const TempDir dir;
  const auto error = unwrap_error(free_disk_bytes(dir / "none"));
  CHECK(error.code == runed::ErrorCode::not_found);
  CHECK(error.message ==
        "cannot inspect the file system of '" + (dir / "none") + "': no such file or directory");
}
