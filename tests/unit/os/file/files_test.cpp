#include "os/file/files.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <thread>

#include "os/file/fd.hpp"
#include "support/result_matchers.hpp"
#include "support/temp_dir.hpp"

using runed::ErrorCode;
using runed::test::mode_of;
using runed::test::TempDir;
using runed::test::unwrap;
using runed::test::unwrap_error;
using runed::test::write_text;
namespace os = runed::os;

TEST_CASE("a file is read whole up to the limit and refused past it") {
  const TempDir dir;
  write_text(dir / "f", "12345");
  CHECK(unwrap(os::read_file(dir / "f", 5)) == "12345");
  const auto large = unwrap_error(os::read_file(dir / "f", 4));
  CHECK(large.code == ErrorCode::bad_input);
  CHECK(large.message == "cannot read '" + (dir / "f") + "': larger than 4 bytes");
  const auto missing = unwrap_error(os::read_file(dir / "none", 4));
  CHECK(missing.code == ErrorCode::not_found);
  const auto directory = unwrap_error(os::read_file(dir.path(), 4));
  CHECK(directory.message ==
        "cannot open '" + dir.path() + "': it is a directory, not a regular file");
}

TEST_CASE("a tail is the end of a long file and all of a short one") {
  const TempDir dir;
  write_text(dir / "log", "first line\nlast line\n");
  CHECK(unwrap(os::read_tail(dir / "log", 10)) == "last line\n");
  CHECK(unwrap(os::read_tail(dir / "log", 100)) == "first line\nlast line\n");
  CHECK(unwrap_error(os::read_tail(dir / "none", 10)).code == ErrorCode::not_found);
}

TEST_CASE("a stream is read to its end, even when it does not block") {
  std::array<int, 2> ends{};
  REQUIRE(::pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK) == 0);
  const os::Fd reader(ends[0]);
  os::Fd writer(ends[1]);
  std::thread thread([&writer] {
    for (int i = 0; i < 100; ++i) static_cast<void>(os::write_all(writer.get(), "0123456789"));
    writer.close();
  });
  const auto content = os::read_all(reader.get());
  thread.join();
  CHECK(unwrap(content).size() == 1000);
}

TEST_CASE("what a pipe holds is read without waiting for more, and its end is 0") {
  os::Pipe pipe = unwrap(os::open_pipe());
  unwrap(os::write_all(pipe.writer.get(), "abcdef"));
  std::array<char, 4> buffer{};
  CHECK(unwrap(os::read_some(pipe.reader.get(), buffer)) == 4);
  CHECK(unwrap(os::read_some(pipe.reader.get(), buffer)) == 2);
  CHECK(std::string_view(buffer.data(), 2) == "ef");
  pipe.writer.close();
  CHECK(unwrap(os::read_some(pipe.reader.get(), buffer)) == 0);
  CHECK(unwrap_error(os::read_some(-1, buffer)).message == "bad file descriptor");
}

TEST_CASE("appending creates the file with the mode that is asked for") {
  const TempDir dir;
  unwrap(os::write_all(unwrap(os::open_for_append(dir / "log", 0600)).get(), "one\n"));
  unwrap(os::write_all(unwrap(os::open_for_append(dir / "log", 0600)).get(), "two\n"));
  CHECK(runed::test::read_text(dir / "log") == "one\ntwo\n");
  CHECK(mode_of(dir / "log") == 0600);
}

TEST_CASE("removing a file that is not there is no error") {
  const TempDir dir;
  write_text(dir / "f", "x");
  CHECK(os::exists(dir / "f"));
  CHECK(os::remove_file(dir / "f").has_value());
  CHECK_FALSE(os::exists(dir / "f"));
  CHECK(os::remove_file(dir / "f").has_value());
}

TEST_CASE("what may be executed is a file with the mode for it, or a link to one") {
  const TempDir dir;
  write_text(dir / "program", "#!/bin/sh\n");
  CHECK_FALSE(os::is_executable_file(dir / "program"));
  std::filesystem::permissions(dir / "program", std::filesystem::perms::owner_all);
  CHECK(os::is_executable_file(dir / "program"));
  std::filesystem::create_symlink(dir / "program", dir / "link");
  CHECK(os::is_executable_file(dir / "link"));
  CHECK_FALSE(os::is_executable_file(dir.path()));
  CHECK_FALSE(os::is_executable_file(dir / "none"));
}

TEST_CASE("the identity of a file changes with its content and its place") {
  const TempDir dir;
  write_text(dir / "f", "abc");
  const auto before = unwrap(os::file_identity(dir / "f"));
  CHECK(before.size_bytes == 3);
  CHECK(before == unwrap(os::file_identity(dir / "f")));
  write_text(dir / "f", "abcd");
  CHECK_FALSE(before == unwrap(os::file_identity(dir / "f")));
  write_text(dir / "g", "abc");
  CHECK_FALSE(before == unwrap(os::file_identity(dir / "g")));
  CHECK(unwrap_error(os::file_identity(dir / "none")).code == ErrorCode::not_found);
}

TEST_CASE("absolute paths are clean") {
  const std::string here = std::filesystem::current_path().string();
  CHECK(os::absolute_path("/a//b/./c/../d/") == "/a/b/d");
  CHECK(os::absolute_path("/../..") == "/");
  CHECK(os::absolute_path("//") == "/");
  CHECK(os::absolute_path("x/./y") == here + "/x/y");
  CHECK(os::absolute_path(".") == here);
  CHECK(os::parent_directory("/a/b") == "/a");
  CHECK(os::parent_directory("/a") == "/");
}

TEST_CASE("what is left of a file is counted from where its descriptor stands") {
  const TempDir dir;
  write_text(dir / "f", "12345");
  const os::Fd file = unwrap(os::open_input(dir / "f"));
  CHECK(os::bytes_left_of_file(file.get()) == 5);
  std::array<char, 2> two{};
  CHECK(unwrap(os::read_some(file.get(), two)) == 2);
  CHECK(os::bytes_left_of_file(file.get()) == 3);
  const os::Pipe pipe = unwrap(os::open_pipe());
  CHECK_FALSE(os::bytes_left_of_file(pipe.reader.get()).has_value());
}
