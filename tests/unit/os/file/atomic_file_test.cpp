#include "os/file/atomic_file.hpp"

#include "support/file_size_limit.hpp"
#include "support/result_matchers.hpp"
#include "support/temp_dir.hpp"

using runed::ErrorCode;
using runed::os::write_file_atomically;
using runed::test::FileSizeLimit;
using runed::test::read_text;
using runed::test::TempDir;
using runed::test::unwrap;
using runed::test::unwrap_error;

namespace {

size_t count_entries(const TempDir& dir) {
  const std::filesystem::directory_iterator entries(dir.path());
  return static_cast<size_t>(std::distance(begin(entries), end(entries)));
}

}  // namespace

TEST_CASE("an atomic write creates and replaces, with its mode and nothing beside it") {
  const TempDir dir;
  unwrap(write_file_atomically(dir / "f", "old", 0600));
  CHECK(read_text(dir / "f") == "old");
  CHECK(runed::test::mode_of(dir / "f") == 0600);
  unwrap(write_file_atomically(dir / "f", "new content", 0644));
  CHECK(read_text(dir / "f") == "new content");
  CHECK(runed::test::mode_of(dir / "f") == 0644);
  CHECK(count_entries(dir) == 1);
}

TEST_CASE("a write that fails half way leaves the old file and no temporary") {
  const TempDir dir;
  unwrap(write_file_atomically(dir / "f", "old", 0600));
  runed::Status written;
  {
    const FileSizeLimit limit(10);
    written = write_file_atomically(dir / "f", std::string(100, 'x'), 0600);
  }
  const auto error = unwrap_error(written);
  CHECK(error.code == ErrorCode::io);
  CHECK(error.message == "cannot write '" + (dir / "f") + "': file too large");
  CHECK(read_text(dir / "f") == "old");
  CHECK(count_entries(dir) == 1);
}

TEST_CASE("an atomic write into a directory that is missing says so") {
  const TempDir dir;
  const auto error = unwrap_error(write_file_atomically(dir / "none/f", "x", 0600));
  CHECK(error.code == ErrorCode::not_found);
  CHECK(error.message == "cannot write '" + (dir / "none/f") + "': no such file or directory");
}

TEST_CASE("an atomic write over a directory leaves it alone") {
  const TempDir dir;
  std::filesystem::create_directory(dir / "d");
  const auto error = unwrap_error(write_file_atomically(dir / "d", "x", 0600));
  CHECK(error.message == "cannot write '" + (dir / "d") + "': is a directory");
  CHECK(count_entries(dir) == 1);
}
