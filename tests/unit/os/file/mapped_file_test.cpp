#include "os/file/mapped_file.hpp"

#include <algorithm>
#include <chrono>
#include <filesystem>

#include "os/file/file_reader.hpp"
#include "os/machine/memory.hpp"
#include "support/result_matchers.hpp"
#include "support/temp_dir.hpp"

using runed::ErrorCode;
using runed::os::MappedFile;
using runed::test::unwrap;
using runed::test::unwrap_error;

namespace {

std::string text_of(const MappedFile& file) {
  return {reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size()};
}

}  // namespace

TEST_CASE("a mapped file shows the bytes of the file, also after a move") {
  const runed::test::TempDir dir;
  runed::test::write_text(dir / "model", "GGUF and more");
  MappedFile file = unwrap(MappedFile::open(dir / "model"));
  CHECK(text_of(file) == "GGUF and more");
  const MappedFile moved = std::move(file);
  CHECK(text_of(moved) == "GGUF and more");
  CHECK(file.bytes().empty());
}

TEST_CASE("a mapped file knows what it was, whatever takes its path") {
  const runed::test::TempDir dir;
  runed::test::write_text(dir / "model", "GGUF and more");
  runed::test::write_text(dir / "new", "GGUF of another size");
  const MappedFile file = unwrap(MappedFile::open(dir / "model"));
  CHECK(file.identity() == unwrap(runed::os::file_identity(dir / "model")));
  std::filesystem::rename(dir / "new", dir / "model");
  unwrap(file.check_unchanged());
  CHECK(text_of(file) == "GGUF and more");
  auto reader = unwrap(runed::os::FileReader::open(file.fd()));
  CHECK(reader.size_bytes() == 13);
  CHECK(unwrap(reader.next()).size() == 13);
  std::filesystem::remove(dir / "model");
  unwrap(file.check_unchanged());
}

TEST_CASE("a mapped file that was written to says so") {
  const runed::test::TempDir dir;
  const std::string path = dir / "model";
  runed::test::write_text(path, "GGUF and more");
  const MappedFile file = unwrap(MappedFile::open(path));
  std::filesystem::permissions(path, std::filesystem::perms::owner_read);
  unwrap(file.check_unchanged());
  std::filesystem::permissions(path, std::filesystem::perms::owner_all);
  runed::test::write_text(path, "GGUF AND MORE");
  CHECK(unwrap_error(file.check_unchanged()).message == "it was written to");
  runed::test::write_text(path, "GGUF");
  CHECK(unwrap_error(file.check_unchanged()).message == "its size is 4 bytes now, and was 13");
}

TEST_CASE("a file that was written to a moment ago is waited for, and others are not") {
  using namespace std::chrono_literals;
  const runed::test::TempDir dir;
  // Within one tick of the kernel's clock the second write would leave no trace but its content.
  for (int round = 0; round < 20; ++round) {
    runed::test::write_text(dir / "model", "GGUF and more");
    const MappedFile file = unwrap(MappedFile::open(dir / "model"));
    runed::test::write_text(dir / "model", "GGUF AND MORE");
    CHECK_FALSE(file.check_unchanged());
  }
  const auto now = std::chrono::file_clock::now();
  for (const auto age : {std::chrono::nanoseconds(1h), std::chrono::nanoseconds(-1h)}) {
    std::filesystem::last_write_time(dir / "model", now - age);
    CHECK(unwrap(runed::os::settled_identity(dir / "model")) ==
          unwrap(runed::os::file_identity(dir / "model")));
  }
}

TEST_CASE("what cannot be mapped is refused with its path and the reason") {
  const runed::test::TempDir dir;
  runed::test::write_text(dir / "empty", "");
  const auto missing = unwrap_error(MappedFile::open(dir / "none"));
  CHECK(missing.code == ErrorCode::not_found);
  CHECK(missing.message == "cannot open '" + (dir / "none") + "': no such file or directory");
  const auto empty = unwrap_error(MappedFile::open(dir / "empty"));
  CHECK(empty.code == ErrorCode::bad_input);
  CHECK(empty.message == "cannot map '" + (dir / "empty") + "': the file is empty");
  const auto directory = unwrap_error(MappedFile::open(dir.path()));
  CHECK(directory.code == ErrorCode::bad_input);
  CHECK(directory.message ==
        "cannot open '" + dir.path() + "': it is a directory, not a regular file");
}

TEST_CASE("released pages leave memory and come back from the file") {
  constexpr size_t kSize = size_t{32} << 20;
  constexpr uint64_t kMuch = kSize / 2;
  const runed::test::TempDir dir;
  runed::test::write_text(dir / "model", std::string(kSize, 'x'));
  const MappedFile file = unwrap(MappedFile::open(dir / "model"));
  const auto count = [&file] { return std::ranges::count(file.bytes(), std::byte{'x'}); };

  CHECK(count() == kSize);
  const uint64_t loaded = runed::os::resident_bytes();
  // Not whole pages: the two at the edges stay.
  runed::os::release_pages(file.bytes().subspan(1, kSize - 2));
  CHECK(runed::os::resident_bytes() + kMuch < loaded);
  CHECK(count() == kSize);
  CHECK(runed::os::resident_bytes() + kMuch > loaded);
}

TEST_CASE("releasing less than a page does nothing") {
  const std::string text = "short";
  runed::os::release_pages(std::as_bytes(std::span(text)));
  runed::os::release_pages({});
  CHECK(text == "short");
}
