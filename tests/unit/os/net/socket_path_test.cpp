#include "os/net/socket_path.hpp"

#include <sys/stat.h>

#include "os/net/unix_socket.hpp"
#include "os/process/process.hpp"
#include "support/result_matchers.hpp"
#include "support/temp_dir.hpp"

using runed::ErrorCode;
using runed::os::check_alias_directory;
using runed::os::prepare_socket_directory;
using runed::os::resolve_socket_path;
using runed::test::unwrap;
using runed::test::unwrap_error;

namespace {

const std::string kDeep = "/" + std::string(120, 'd') + "/embedding.sock";

// A user that no machine has, so that the real alias directory is left alone.
class FakeUser {
 public:
  FakeUser() : uid_(3'000'000'000U + static_cast<unsigned>(runed::os::process_id())) {}
  FakeUser(const FakeUser&) = delete;
  FakeUser& operator=(const FakeUser&) = delete;
  ~FakeUser() { std::filesystem::remove_all(directory()); }

  unsigned uid() const { return uid_; }
  std::string directory() const { return "/tmp/runed-" + std::to_string(uid_); }
  std::string socket() const { return resolve_socket_path(kDeep, uid_); }

 private:
  unsigned uid_;
};

}  // namespace

// Source: the predecessor's rule, computed for uid 0 (B-035).
TEST_CASE("a deep home has the predecessor's alias") {
  CHECK(resolve_socket_path(kDeep, 0) ==
        "/tmp/runed-0/runed-ce763312f69cc6a46e41623f08f36936.sock");
  CHECK(resolve_socket_path(kDeep, 1000).starts_with("/tmp/runed-1000/runed-ce763312"));
  CHECK(resolve_socket_path(kDeep) == resolve_socket_path(kDeep, runed::os::user_id()));
}

TEST_CASE("the alias begins at 104 bytes") {
  const std::string last = "/" + std::string(102, 'x');
  CHECK(resolve_socket_path(last, 0) == last);
  CHECK(resolve_socket_path(last + "x", 0).starts_with("/tmp/runed-0/runed-"));
}

TEST_CASE("spellings of one path converge, paths do not, and an alias is its own") {
  const std::string alias = resolve_socket_path(kDeep, 7);
  CHECK(resolve_socket_path("/" + kDeep, 7) == alias);
  CHECK(resolve_socket_path("/x/./.." + kDeep, 7) == alias);
  CHECK(resolve_socket_path(alias, 7) == alias);
  CHECK(resolve_socket_path(kDeep + "2", 7) != alias);
  CHECK(resolve_socket_path("d.sock", 7) ==
        resolve_socket_path(std::filesystem::current_path().string() + "/d.sock", 7));
}

TEST_CASE("an alias directory that others may write to is refused, and never changed") {
  const FakeUser user;
  CHECK(check_alias_directory(user.socket(), user.uid()).has_value());  // Not there yet.
  std::filesystem::create_directory(user.directory());
  REQUIRE(::chmod(user.directory().c_str(), 0777) == 0);
  for (const auto& refused :
       {unwrap_error(check_alias_directory(user.socket(), user.uid())),
        unwrap_error(prepare_socket_directory(user.socket(), user.uid()))}) {
    CHECK(refused.code == ErrorCode::permission_denied);
    CHECK(refused.message ==
          "cannot use '" + user.directory() + "' (mode 777): other users may write there");
    CHECK(refused.hint == "run: chmod go-w '" + user.directory() + "'");
  }
  CHECK(runed::test::mode_of(user.directory()) == 0777);
  REQUIRE(::chmod(user.directory().c_str(), 0755) == 0);
  unwrap(prepare_socket_directory(user.socket(), user.uid()));
  CHECK(runed::test::mode_of(user.directory()) == 0755);
  CHECK(check_alias_directory(user.socket(), user.uid()).has_value());
  CHECK(runed::os::UnixListener::listen(user.socket()).has_value());
}

TEST_CASE("a link in the place of the alias directory is refused on both sides") {
  const FakeUser user;
  const runed::test::TempDir dir;
  std::filesystem::create_symlink(dir.path(), user.directory());
  const std::string message = "cannot use '" + user.directory() + "': it is a symbolic link";
  CHECK(unwrap_error(prepare_socket_directory(user.socket(), user.uid())).message == message);
  CHECK(unwrap_error(check_alias_directory(user.socket(), user.uid())).message == message);
}

TEST_CASE("directories outside the alias keep their mode") {
  const runed::test::TempDir dir;
  REQUIRE(::chmod(dir.path().c_str(), 0755) == 0);
  unwrap(prepare_socket_directory(dir / "d.sock"));
  unwrap(prepare_socket_directory(dir / "new/d.sock"));
  CHECK(runed::test::mode_of(dir.path()) == 0755);
  CHECK(runed::test::mode_of(dir / "new") == 0700);
  CHECK(check_alias_directory(dir / "d.sock").has_value());
}
