#include "os/file/regular_file.hpp"

#include <fcntl.h>

#include "os/file/file_lock.hpp"
#include "os/file/file_reader.hpp"
#include "os/file/files.hpp"
#include "os/file/mapped_file.hpp"
#include "os/file/rotating_file.hpp"
#include "support/not_a_file.hpp"
#include "support/result_matchers.hpp"
#include "support/temp_dir.hpp"

namespace os = runed::os;
using os::Links;
using runed::ErrorCode;
using runed::test::all_that_is_no_file;
using runed::test::TempDir;
using runed::test::unwrap;
using runed::test::unwrap_error;
using runed::test::write_text;

TEST_CASE("what is no regular file is neither opened nor waited for, and is named") {
  const TempDir dir;
  const std::string path = dir / "it";
  for (const auto& [name, told, make] : all_that_is_no_file()) {
    CAPTURE(name);
    make(path);
    const std::string message = "cannot open '" + path + "': " + told;
    const auto check = [&](const runed::Error& error) {
      CHECK(error.code == ErrorCode::bad_input);
      CHECK(error.message == message);
    };
    check(unwrap_error(os::open_regular_file(path, O_RDONLY, Links::followed)));
    check(unwrap_error(os::read_file(path, 1)));
    check(unwrap_error(os::read_tail(path, 1)));
    check(unwrap_error(os::FileReader::open(path)));
    check(unwrap_error(os::MappedFile::open(path)));
    CHECK(os::find_fault_of_kind(path) == told);
    std::filesystem::remove(path);
  }
  CHECK(os::find_fault_of_kind(path).empty());
  write_text(path, "");
  CHECK(os::find_fault_of_kind(path).empty());
}

TEST_CASE("a file of ours is no link either, and room can be made for it") {
  const TempDir dir;
  const std::string path = dir / "it's";
  write_text(dir / "target", "precious");
  auto others = all_that_is_no_file();
  others.back() = {"link", "it is a symbolic link, not a regular file",
                   [](const std::string& at) { std::filesystem::create_symlink("target", at); }};
  others.push_back({"dangling link", others.back().told,
                    [](const std::string& at) { std::filesystem::create_symlink("none", at); }});
  for (const auto& [name, told, make] : others) {
    CAPTURE(name);
    make(path);
    const auto check = [&](const runed::Error& error) {
      CHECK(error.code == ErrorCode::io);
      CHECK(error.message == "cannot open '" + path + "': " + told);
      CHECK(error.hint ==
            "run: mv '" + dir.path() + "/it'\\''s' '" + dir.path() + "/it'\\''s.aside'");
    };
    check(unwrap_error(os::open_for_append(path, 0600)));
    check(unwrap_error(os::FileLock::try_acquire(path)));
    check(unwrap_error(os::RotatingFile::open({.path = path})));
    CHECK_FALSE(os::FileLock::is_held(path));
    std::filesystem::remove(path);
  }
  CHECK(runed::test::read_text(dir / "target") == "precious");
  CHECK_FALSE(std::filesystem::exists(dir / "none"));
}

TEST_CASE("a link to a file is read, and has no effect on what is written") {
  const TempDir dir;
  write_text(dir / "target", "content");
  std::filesystem::create_symlink("target", dir / "link");
  CHECK(unwrap(os::read_file(dir / "link", 100)) == "content");
  // A regular file by its kind, and without an end: nothing waits for its next line.
  if (std::filesystem::exists("/proc/kmsg")) {
    static_cast<void>(os::read_file("/proc/kmsg", 1 << 20).has_value());
  }
}
