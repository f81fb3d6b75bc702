#include "os/file/file_lock.hpp"

#include "os/process/child.hpp"
#include "os/process/process.hpp"
#include "support/eventually.hpp"
#include "support/result_matchers.hpp"
#include "support/temp_dir.hpp"

using runed::os::FileLock;
using runed::test::TempDir;
using runed::test::unwrap;
using runed::test::unwrap_error;
using namespace std::chrono_literals;

TEST_CASE("a lock has one holder, who is named in the file") {
  const TempDir dir;
  auto first = unwrap(FileLock::try_acquire(dir / "lock"));
  REQUIRE(first.has_value());
  CHECK(FileLock::read_holder(dir / "lock") == runed::os::process_id());
  CHECK(runed::test::mode_of(dir / "lock") == 0600);
  CHECK_FALSE(unwrap(FileLock::try_acquire(dir / "lock")).has_value());
}

TEST_CASE("a released lock is free and names nobody, and its file stays") {
  const TempDir dir;
  auto first = unwrap(FileLock::try_acquire(dir / "lock"));
  REQUIRE(first.has_value());
  first->release();
  first->release();
  CHECK(std::filesystem::exists(dir / "lock"));
  CHECK_FALSE(FileLock::read_holder(dir / "lock").has_value());
  CHECK(unwrap(FileLock::try_acquire(dir / "lock")).has_value());
}

TEST_CASE("waiting for a lock ends with its deadline, naming the holder") {
  const TempDir dir;
  const auto held = unwrap(FileLock::try_acquire(dir / "lock"));
  const auto error = unwrap_error(FileLock::acquire(dir / "lock", 30ms));
  CHECK(error.code == runed::ErrorCode::deadline_exceeded);
  CHECK(error.message == "cannot lock '" + (dir / "lock") + "' within 30ms: process " +
                             std::to_string(runed::os::process_id()) + " holds it");
}

TEST_CASE("the lock of a process that was killed goes to the one that waits") {
  const TempDir dir;
  auto child = unwrap(
      runed::os::Child::spawn({.arguments = {"/usr/bin/flock", dir / "lock", "/bin/sleep", "60"}}));
  const auto is_held = [&] { return !unwrap(FileLock::try_acquire(dir / "lock")).has_value(); };
  REQUIRE(runed::test::eventually(is_held));
  unwrap(child.signal_group(9));
  CHECK(FileLock::acquire(dir / "lock", 10s).has_value());
}

TEST_CASE("a lock that cannot be opened says why") {
  const TempDir dir;
  const auto error = unwrap_error(FileLock::try_acquire(dir / "none/lock"));
  CHECK(error.code == runed::ErrorCode::not_found);
  CHECK(error.message == "cannot open '" + (dir / "none/lock") + "': no such file or directory");
}
