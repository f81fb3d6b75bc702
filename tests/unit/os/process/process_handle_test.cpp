#include "os/process/process_handle.hpp"

#include <csignal>
#include <filesystem>

#include "os/file/file_lock.hpp"
#include "os/process/child.hpp"
#include "os/process/process.hpp"
#include "support/eventually.hpp"
#include "support/result_matchers.hpp"
#include "support/temp_dir.hpp"

using runed::ErrorCode;
using runed::os::Child;
using runed::os::FileLock;
using runed::os::find_lock_holder;
using runed::os::process_id;
using runed::os::ProcessHandle;
using runed::test::eventually;
using runed::test::TempDir;
using runed::test::unwrap;
using runed::test::unwrap_error;
using namespace std::chrono_literals;

TEST_CASE("a process is known by its user and its program") {
  const auto self = unwrap(ProcessHandle::open(process_id()));
  CHECK(self.pid() == process_id());
  CHECK(self.user() == runed::os::user_id());
  CHECK(std::filesystem::path(self.program()).filename() == "unit_os");
  CHECK(self.runs("/proc/self/exe"));
  CHECK_FALSE(self.runs("/bin/sleep"));
  CHECK_FALSE(self.wait_for_exit(0ms));
}

TEST_CASE("a program whose file was removed is still known by its path") {
  const TempDir dir;
  std::filesystem::copy_file("/bin/sleep", dir / "runed");
  const auto child = unwrap(Child::spawn({.arguments = {dir / "runed", "60"}}));
  const auto process = unwrap(ProcessHandle::open(child.pid()));
  std::filesystem::remove(dir / "runed");
  CHECK(process.program() == dir / "runed");
}

TEST_CASE("of a process that has ended nothing is told, and no signal reaches its number") {
  auto child = unwrap(Child::spawn({.arguments = {"/bin/sleep", "60"}}));
  const auto process = unwrap(ProcessHandle::open(child.pid()));
  unwrap(process.signal(SIGTERM));
  CHECK(process.wait_for_exit(10s));
  REQUIRE(unwrap(child.wait(10s)).has_value());
  CHECK_FALSE(process.user().has_value());
  CHECK(process.program().empty());
  CHECK(unwrap_error(process.signal(SIGTERM)).code == ErrorCode::not_found);
  CHECK(unwrap_error(ProcessHandle::open(child.pid())).code == ErrorCode::not_found);
}

TEST_CASE("who holds a lock is what the kernel says, not the file") {
  const TempDir dir;
  CHECK_FALSE(find_lock_holder(dir / "lock", process_id()).has_value());  // No file.
  auto lock = unwrap(FileLock::try_acquire(dir / "lock"));
  REQUIRE(lock.has_value());
  const auto self = unwrap(ProcessHandle::open(process_id()));
  CHECK(self.lock_taker(dir / "lock") == process_id());
  for (const std::optional<int> likely : {std::optional<int>(), std::optional(process_id()),
                                          std::optional(1)}) {
    const auto holder = find_lock_holder(dir / "lock", likely);
    REQUIRE(holder.has_value());
    CHECK(holder->pid() == process_id());
  }
  lock->release();
  runed::test::write_text(dir / "lock", std::to_string(process_id()));
  CHECK_FALSE(self.lock_taker(dir / "lock").has_value());
  CHECK_FALSE(find_lock_holder(dir / "lock", process_id()).has_value());
}

TEST_CASE("a process that was left a lock did not take it") {
  const TempDir dir;
  const auto child = unwrap(
      Child::spawn({.arguments = {"/usr/bin/flock", dir / "lock", "/bin/sleep", "60"}}));
  const auto taker = [&] {
    const auto holder = find_lock_holder(dir / "lock", child.pid());
    return holder.has_value() ? holder->lock_taker(dir / "lock") : std::nullopt;
  };
  REQUIRE(eventually([&] { return taker() == child.pid(); }));
}
