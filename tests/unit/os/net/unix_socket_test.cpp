#include "os/net/unix_socket.hpp"

#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cstring>

#include "os/file/files.hpp"
#include "os/net/poll.hpp"
#include "os/process/process.hpp"
#include "support/result_matchers.hpp"
#include "support/temp_dir.hpp"

using runed::ErrorCode;
using runed::os::dial_unix;
using runed::os::Fd;
using runed::os::UnixListener;
using runed::test::TempDir;
using runed::test::unwrap;
using runed::test::unwrap_error;
using namespace std::chrono_literals;

namespace {

// A socket of which nothing is left but the file, as after kill -9; or, with a backlog, one that
// listens and never accepts.
Fd bind_only(const std::string& path, int backlog = -1) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.c_str(), path.size());
  Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  REQUIRE(::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0);
  if (backlog >= 0) REQUIRE(::listen(fd.get(), backlog) == 0);
  return fd;
}

Fd accept_one(UnixListener& listener) {
  REQUIRE(runed::os::wait_readable(listener.fd(), 10s));
  auto fd = unwrap(listener.accept());
  REQUIRE(fd.has_value());
  return std::move(*fd);
}

}  // namespace

TEST_CASE("a connection carries bytes and the credentials of its peer") {
  const TempDir dir;
  auto listener = unwrap(UnixListener::listen(dir / "d.sock"));
  CHECK_FALSE(unwrap(listener.accept()).has_value());
  Fd client = unwrap(dial_unix(dir / "d.sock", 1s));
  const Fd server = accept_one(listener);
  const auto peer = unwrap(runed::os::peer_credentials(server.get()));
  CHECK(peer.pid == runed::os::process_id());
  CHECK(peer.uid == runed::os::user_id());
  unwrap(runed::os::write_all(client.get(), "ping"));
  client.close();
  CHECK(unwrap(runed::os::read_all(server.get())) == "ping");
}

TEST_CASE("a lack of descriptors is no end: the connection waits") {
  const TempDir dir;
  auto listener = unwrap(UnixListener::listen(dir / "d.sock"));
  const Fd client = unwrap(dial_unix(dir / "d.sock", 1s));
  rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
  const rlimit none{0, before.rlim_max};
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &none) == 0);
  const auto refused = listener.accept();
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &before) == 0);
  const auto error = unwrap_error(refused.has_value() ? runed::Status{} : refused.error());
  CHECK(error.code == ErrorCode::unavailable);
  CHECK(error.message == "cannot accept on '" + (dir / "d.sock") + "': too many open files");
  CHECK(accept_one(listener).is_open());
}

TEST_CASE("the socket has mode 0700 whatever the umask, and so has a parent that was missing") {
  const TempDir dir;
  for (const mode_t mask : {mode_t{0}, mode_t{0777}}) {
    const std::string path = dir / (mask == 0 ? "open/d.sock" : "closed.sock");
    const mode_t before = ::umask(mask);
    const auto listener = UnixListener::listen(path);
    ::umask(before);
    unwrap(listener.has_value() ? runed::Status{} : runed::Status(listener.error()));
    CHECK(runed::test::mode_of(path) == 0700);
  }
  CHECK(runed::test::mode_of(dir / "open") == 0700);
}

TEST_CASE("a stale socket is replaced") {
  const TempDir dir;
  bind_only(dir / "d.sock").close();
  CHECK(unwrap_error(dial_unix(dir / "d.sock", 1s)).code == ErrorCode::unavailable);
  const auto listener = unwrap(UnixListener::listen(dir / "d.sock"));
  CHECK(dial_unix(dir / "d.sock", 1s).has_value());
}

TEST_CASE("a socket that somebody listens on is left alone") {
  const TempDir dir;
  const auto first = unwrap(UnixListener::listen(dir / "d.sock"));
  const auto error = unwrap_error(UnixListener::listen(dir / "d.sock"));
  CHECK(error.code == ErrorCode::unavailable);
  CHECK(error.message == "cannot listen on '" + (dir / "d.sock") + "': already in use");
  CHECK(first.still_owned());
}

TEST_CASE("what is not a socket is never removed") {
  const TempDir dir;
  runed::test::write_text(dir / "file", "precious");
  const auto error = unwrap_error(UnixListener::listen(dir / "file"));
  CHECK(error.code == ErrorCode::bad_config);
  CHECK(error.message ==
        "cannot listen on '" + (dir / "file") + "': a regular file is in its place");
  CHECK(runed::test::read_text(dir / "file") == "precious");
  std::filesystem::create_symlink(dir / "elsewhere", dir / "link");
  CHECK(unwrap_error(UnixListener::listen(dir / "link")).message ==
        "cannot listen on '" + (dir / "link") + "': a symbolic link is in its place");
  CHECK(unwrap_error(UnixListener::listen(dir.path())).message ==
        "cannot listen on '" + dir.path() + "': a directory is in its place");
}

TEST_CASE("closing removes the socket that is ours and no other") {
  const TempDir dir;
  auto ours = unwrap(UnixListener::listen(dir / "a.sock"));
  CHECK(ours.still_owned());
  ours.close();
  CHECK_FALSE(std::filesystem::exists(dir / "a.sock"));
  CHECK_FALSE(ours.still_owned());

  auto replaced = unwrap(UnixListener::listen(dir / "b.sock"));
  std::filesystem::remove(dir / "b.sock");
  CHECK_FALSE(replaced.still_owned());
  const auto other = unwrap(UnixListener::listen(dir / "b.sock"));
  CHECK_FALSE(replaced.still_owned());
  replaced.close();
  CHECK(other.still_owned());
}

TEST_CASE("a moved listener keeps its socket") {
  const TempDir dir;
  auto first = unwrap(UnixListener::listen(dir / "a.sock"));
  auto second = unwrap(UnixListener::listen(dir / "b.sock"));
  { first = std::move(second); }
  CHECK(first.path() == dir / "b.sock");
  CHECK(first.still_owned());
  CHECK(second.path() == dir / "a.sock");
  CHECK(second.still_owned());
}

TEST_CASE("dialling tells nothing there, nobody there and not a socket apart") {
  const TempDir dir;
  const auto none = unwrap_error(dial_unix(dir / "none", 1s));
  CHECK(none.code == ErrorCode::not_found);
  CHECK(none.message == "cannot connect to '" + (dir / "none") + "': no such file or directory");
  bind_only(dir / "stale").close();
  const auto stale = unwrap_error(dial_unix(dir / "stale", 1s));
  CHECK(stale.code == ErrorCode::unavailable);
  CHECK(stale.message == "cannot connect to '" + (dir / "stale") + "': connection refused");
  runed::test::write_text(dir / "file", "x");
  const auto file = unwrap_error(dial_unix(dir / "file", 1s));
  CHECK(file.code == ErrorCode::bad_config);
  CHECK(file.message ==
        "cannot connect to '" + (dir / "file") + "': a regular file is in its place");
}

TEST_CASE("dialling a listener with a full backlog ends with the deadline") {
  const TempDir dir;
  const Fd listener = bind_only(dir / "busy", 0);
  const Fd first = unwrap(dial_unix(dir / "busy", 1s));
  const auto error = unwrap_error(dial_unix(dir / "busy", 30ms));
  CHECK(error.code == ErrorCode::deadline_exceeded);
  CHECK(error.message ==
        "cannot connect to '" + (dir / "busy") + "' within 30ms: the listener is too busy");
}

TEST_CASE("a socket's path may have 107 bytes and not one more") {
  const TempDir dir;
  const std::string longest = dir / std::string(107 - dir.path().size() - 1, 's');
  auto listener = unwrap(UnixListener::listen(longest));
  CHECK(dial_unix(longest, 1s).has_value());
  listener.close();
  const auto error = unwrap_error(UnixListener::listen(longest + "s"));
  CHECK(error.code == ErrorCode::bad_config);
  CHECK(error.message ==
        "cannot use socket '" + longest + "s': the path has 108 bytes, a socket's has 1 to 107");
  CHECK(unwrap_error(dial_unix(longest + "s", 1s)).message == error.message);
}
