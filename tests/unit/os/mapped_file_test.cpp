#include "os/mapped_file.hpp"

#include <algorithm>

#include "os/memory.hpp"
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
  CHECK(directory.message == "cannot map '" + dir.path() + "': not a regular file");
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
