#include "bootstrap/config/daemon_lock.hpp"

#include "os/net/unix_socket.hpp"
#include "os/process/process.hpp"
#include "support/result_matchers.hpp"
#include "support/temp_dir.hpp"

using runed::bootstrap::find_daemon_elsewhere;
using runed::bootstrap::is_served_by;
using runed::bootstrap::read_daemon_holder;
using runed::bootstrap::serves_elsewhere;
using runed::bootstrap::try_daemon_lock;
using runed::os::FileLock;
using runed::os::process_id;
using runed::os::UnixListener;
using runed::test::read_text;
using runed::test::TempDir;
using runed::test::unwrap;
using runed::test::write_text;

TEST_CASE("the lock tells whose it is, and where the holder listens") {
  const TempDir dir;
  const std::string path = dir / "daemon.lock";
  CHECK_FALSE(read_daemon_holder(path).has_value());
  auto lock = unwrap(try_daemon_lock(path, "/run/a b.sock"));
  REQUIRE(lock.has_value());
  CHECK(read_text(path) == fmt::format("{} /run/a b.sock\n", process_id()));
  const auto holder = read_daemon_holder(path);
  REQUIRE(holder.has_value());
  CHECK(holder->pid == process_id());
  CHECK(holder->socket == "/run/a b.sock");
  CHECK(FileLock::read_holder(path) == process_id());
  lock->release();
  CHECK_FALSE(read_daemon_holder(path).has_value());
}

TEST_CASE("a lock whose file lost the socket is of a daemon at the usual one") {
  const TempDir dir;
  for (const char* text : {"77", "77 ", "77 /run/cut sho"}) {
    write_text(dir / "daemon.lock", text);
    CHECK(read_daemon_holder(dir / "daemon.lock")->pid == 77);
    CHECK(read_daemon_holder(dir / "daemon.lock")->socket == dir / "embedding.sock");
  }
  write_text(dir / "daemon.lock", "no number");
  CHECK_FALSE(read_daemon_holder(dir / "daemon.lock").has_value());
}

TEST_CASE("a daemon is elsewhere if it listens there, and not while it starts or ends") {
  const TempDir dir;
  const std::string path = dir / "daemon.lock";
  const auto lock = unwrap(try_daemon_lock(path, dir / "a.sock"));
  CHECK_FALSE(find_daemon_elsewhere(path, dir / "b.sock").has_value());
  auto listener = unwrap(UnixListener::listen(dir / "a.sock"));
  CHECK(is_served_by(dir / "a.sock", process_id()));
  CHECK_FALSE(is_served_by(dir / "a.sock", process_id() + 1));
  CHECK_FALSE(find_daemon_elsewhere(path, dir / "a.sock").has_value());
  const auto holder = find_daemon_elsewhere(path, dir / "b.sock");
  REQUIRE(holder.has_value());
  const auto error = serves_elsewhere(*holder, path, dir / "b.sock");
  CHECK(error.message == fmt::format("the daemon of '{0}' (pid {1}) serves '{0}/a.sock', not "
                                     "'{0}/b.sock'",
                                     dir.path(), process_id()));
  CHECK(error.hint.starts_with("reach it with: --socket '" + (dir / "a.sock") + "'"));
  listener.close();
  CHECK_FALSE(find_daemon_elsewhere(path, dir / "b.sock").has_value());
}
