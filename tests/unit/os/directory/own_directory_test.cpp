#include "os/directory/own_directory.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include "os/file/files.hpp"
#include "support/result_matchers.hpp"
#include "support/temp_dir.hpp"

using runed::ErrorCode;
using runed::os::check_own_directory;
using runed::os::HeldDirectory;
using runed::os::make_own_directory;
using runed::test::mode_of;
using runed::test::TempDir;
using runed::test::unwrap;
using runed::test::unwrap_error;
using runed::test::write_text;

namespace {

std::string make_directory(const std::string& path, unsigned mode) {
  std::filesystem::create_directory(path);
  REQUIRE(::chmod(path.c_str(), mode) == 0);
  return path;
}

}  // namespace

TEST_CASE("a directory is created with its parents, all closed to others") {
  const TempDir dir;
  const mode_t before = ::umask(0);
  const auto made = make_own_directory(dir / "a/b/c");
  ::umask(before);
  unwrap(made);
  CHECK(mode_of(dir / "a") == 0700);
  CHECK(mode_of(dir / "a/b/c") == 0700);
  unwrap(check_own_directory(dir / "a/b/c"));
}

TEST_CASE("others may read a directory, and what its owner set stays") {
  const TempDir dir;
  for (const unsigned mode : {0755U, 0711U, 0500U, 0700U}) {
    const std::string path = make_directory(dir / std::to_string(mode), mode);
    unwrap(make_own_directory(path));
    CHECK(mode_of(path) == mode);
  }
}

TEST_CASE("a directory that others may write to is refused with the command that mends it") {
  const TempDir dir;
  for (const unsigned mode : {0720U, 0702U, 0777U, 01777U, 02775U}) {
    const std::string path = make_directory(dir / fmt::format("it's {:o}", mode), mode);
    for (const auto& use : {make_own_directory, check_own_directory}) {
      const auto error = unwrap_error(use(path));
      CHECK(error.code == ErrorCode::permission_denied);
      CHECK(error.message ==
            fmt::format("cannot use '{}' (mode {:03o}): other users may write there", path, mode));
      const std::string command = error.hint.substr(std::string("run: ").size());
      CHECK(command == fmt::format("chmod go-w '{}/it'\\''s {:o}'", dir.path(), mode));
    }
    CHECK(unwrap(HeldDirectory::open(path)).mode() == mode);
    const std::string command = unwrap_error(check_own_directory(path)).hint.substr(5);
    REQUIRE(std::system(command.c_str()) == 0);
    unwrap(check_own_directory(path));
  }
}

TEST_CASE("a link or a file in the place of a directory is refused") {
  const TempDir dir;
  std::filesystem::create_directory(dir / "real");
  std::filesystem::create_symlink(dir / "real", dir / "link");
  std::filesystem::create_symlink(dir / "gone", dir / "dangling");
  write_text(dir / "file", "x");
  for (const auto& use : {make_own_directory, check_own_directory}) {
    const auto link = unwrap_error(use(dir / "link"));
    CHECK(link.code == ErrorCode::permission_denied);
    CHECK(link.message == "cannot use '" + (dir / "link") + "': it is a symbolic link");
    CHECK(unwrap_error(use(dir / "dangling")).message ==
          "cannot use '" + (dir / "dangling") + "': it is a link that leads nowhere, to '" +
              (dir / "gone") + "'");
    CHECK(unwrap_error(use(dir / "file")).message ==
          "cannot use '" + (dir / "file") + "': not a directory");
  }
  CHECK(unwrap_error(check_own_directory(dir / "none")).code == ErrorCode::not_found);
}

TEST_CASE("a directory of another user is refused") {
  const TempDir dir;
  std::filesystem::create_directory(dir / "theirs");
  // Only root can give a directory away; elsewhere the root directory is somebody else's.
  const bool given = ::geteuid() == 0 && ::chown((dir / "theirs").c_str(), 4711, 4711) == 0;
  const std::string path = given ? dir / "theirs" : std::string("/");
  const auto error = unwrap_error(check_own_directory(path));
  CHECK(error.code == ErrorCode::permission_denied);
  CHECK(error.message == "cannot use '" + path + "': it belongs to user " + (given ? "4711" : "0"));
  CHECK(error.hint.find(fmt::format("chown -R {} '{}'", ::geteuid(), path)) != std::string::npos);
}

TEST_CASE("what is in a directory is that of the one that was opened") {
  const TempDir dir;
  std::filesystem::create_directory(dir / "d");
  write_text(dir / "d/b", "x");
  write_text(dir / "d/.a", "x");
  const HeldDirectory held = unwrap(HeldDirectory::open(dir / "d"));
  std::filesystem::rename(dir / "d", dir / "elsewhere");
  std::filesystem::create_directory(dir / "d");
  CHECK(unwrap(held.names()) == std::vector<std::string>{".a", "b"});
}
