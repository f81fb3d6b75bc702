#include "os/file/rotating_file.hpp"

#include <fcntl.h>

#include <filesystem>

#include "os/file/files.hpp"
#include "support/file_size_limit.hpp"
#include "support/result_matchers.hpp"
#include "support/temp_dir.hpp"

using runed::ErrorCode;
using runed::os::RotatingFile;
using runed::test::FileSizeLimit;
using runed::test::read_text;
using runed::test::TempDir;
using runed::test::unwrap;
using runed::test::unwrap_error;
using runed::test::write_text;

TEST_CASE("a rotating file is private, and goes on where the last one ended") {
  const TempDir dir;
  unwrap(unwrap(RotatingFile::open({.path = dir / "log"})).write("one\n"));
  unwrap(unwrap(RotatingFile::open({.path = dir / "log"})).write("two\n"));
  CHECK(read_text(dir / "log") == "one\ntwo\n");
  CHECK(runed::test::mode_of(dir / "log") == 0600);
  CHECK_FALSE(std::filesystem::exists(dir / "log.1"));
}

TEST_CASE("what does not fit goes to a new file, and so many old ones are kept") {
  const TempDir dir;
  auto file = unwrap(RotatingFile::open({.path = dir / "log", .limit_bytes = 8, .keep = 2}));
  for (const char* each : {"1234", "5678", "abcd", "efghi", "A", "0123456789"}) {
    unwrap(file.write(each));
  }
  CHECK(read_text(dir / "log") == "0123456789");
  CHECK(read_text(dir / "log.1") == "efghiA");
  CHECK(read_text(dir / "log.2") == "abcd");
  CHECK_FALSE(std::filesystem::exists(dir / "log.3"));
  CHECK(unwrap(file.size_bytes()) == 10);
}

TEST_CASE("a file that is full already is put aside when it is opened") {
  const TempDir dir;
  write_text(dir / "log", "12345678");
  const auto file = unwrap(RotatingFile::open({.path = dir / "log", .limit_bytes = 8}));
  CHECK(unwrap(file.size_bytes()) == 0);
  CHECK(read_text(dir / "log.1") == "12345678");
}

TEST_CASE("a full disk fails the write, and the next one tries again") {
  const TempDir dir;
  auto file = unwrap(RotatingFile::open({.path = dir / "log"}));
  {
    const FileSizeLimit full(4);
    const auto error = unwrap_error(file.write("123456"));
    CHECK(error.code == ErrorCode::io);
    CHECK(error.message == "cannot write '" + (dir / "log") + "': file too large");
    CHECK(error.hint ==
          "a file may have 4 B here ('ulimit -f'): raise that limit where this was started");
  }
  unwrap(file.write("again"));
  CHECK(read_text(dir / "log") == "1234again");
}

TEST_CASE("a limit on the size of files is one on the log, which goes on") {
  const TempDir dir;
  auto file = unwrap(RotatingFile::open({.path = dir / "log"}));
  const FileSizeLimit limit(8);
  for (const char* each : {"1234", "5678", "abcd"}) unwrap(file.write(each));
  CHECK(read_text(dir / "log") == "abcd");
  CHECK(read_text(dir / "log.1") == "12345678");
}

TEST_CASE("a log that another process has put aside is left, and not put aside again") {
  const TempDir dir;
  auto mine = unwrap(RotatingFile::open({.path = dir / "log", .limit_bytes = 8}));
  auto theirs = unwrap(RotatingFile::open({.path = dir / "log", .limit_bytes = 8}));
  unwrap(mine.write("1234567"));
  unwrap(theirs.write("ab"));
  CHECK(read_text(dir / "log.1") == "1234567");
  unwrap(mine.write("89"));
  CHECK(read_text(dir / "log") == "ab89");
  CHECK(read_text(dir / "log.1") == "1234567");
}

TEST_CASE("descriptors follow a log to its next file") {
  const TempDir dir;
  const runed::os::Fd follower = unwrap(runed::os::open_fd("/dev/null", O_WRONLY));
  auto file = unwrap(
      RotatingFile::open({.path = dir / "log", .limit_bytes = 8, .followers = {follower.get()}}));
  unwrap(runed::os::write_all(follower.get(), "library"));
  CHECK(read_text(dir / "log") == "library");
  unwrap(file.write("ours"));
  unwrap(runed::os::write_all(follower.get(), "!"));
  CHECK(read_text(dir / "log") == "ours!");
  CHECK(read_text(dir / "log.1") == "library");
}

TEST_CASE("standard error that is no log of ours is not put aside") {
  const TempDir dir;
  CHECK_FALSE(RotatingFile::of_standard_error({.path = dir / "none"}).has_value());
  write_text(dir / "log", "of somebody else");
  CHECK_FALSE(RotatingFile::of_standard_error({.path = dir / "log"}).has_value());
}

TEST_CASE("a file that cannot be put aside does not grow past its limit") {
  const TempDir dir;
  std::filesystem::create_directory(dir / "log.1");
  auto file = unwrap(RotatingFile::open({.path = dir / "log", .limit_bytes = 8}));
  unwrap(file.write("12345678"));
  const auto error = unwrap_error(file.write("9"));
  CHECK(error.code == ErrorCode::io);
  CHECK(error.message == "cannot put '" + (dir / "log") + "' aside: is a directory");
  CHECK(read_text(dir / "log") == "12345678");
  CHECK(unwrap(unwrap(RotatingFile::open({.path = dir / "log", .limit_bytes = 8})).size_bytes()) ==
        8);
  std::filesystem::remove(dir / "log.1");
  unwrap(file.write("9"));
  CHECK(read_text(dir / "log") == "9");
}

TEST_CASE("a file in a directory that is not there cannot be opened") {
  const TempDir dir;
  const auto error = unwrap_error(RotatingFile::open({.path = dir / "none/log"}));
  CHECK(error.code == ErrorCode::not_found);
  CHECK(error.message == "cannot open '" + (dir / "none/log") + "': no such file or directory");
}
