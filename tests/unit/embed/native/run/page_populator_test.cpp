#include "embed/native/run/page_populator.hpp"

#include <chrono>
#include <filesystem>
#include <optional>

#include "os/file/mapped_file.hpp"
#include "os/machine/memory.hpp"
#include "support/eventually.hpp"
#include "support/result_matchers.hpp"
#include "support/temp_dir.hpp"

using runed::embed::native::PagePopulator;
using runed::os::MappedFile;
using runed::os::resident_bytes;
using runed::test::eventually;
using runed::test::TempDir;
using runed::test::unwrap;

namespace {

constexpr size_t kSizeBytes = size_t{256} << 20;
constexpr size_t kSlackBytes = size_t{16} << 20;

// A mapped file of zeros that takes no room on the disk.
struct Mapped {
  Mapped() {
    runed::test::write_text(path, "");
    std::filesystem::resize_file(path, kSizeBytes);
    file = unwrap(MappedFile::open(path));
  }

  const TempDir dir;
  const std::string path = dir / "file";
  MappedFile file;
};

}  // namespace

TEST_CASE("the parts that were named come into the process untouched, and no others") {
  const Mapped mapped;
  const auto bytes = mapped.file.bytes();
  const uint64_t before = resident_bytes();
  // Not on the bounds of pages, and backwards.
  const PagePopulator populator({bytes.subspan(kSizeBytes / 2 + 1, kSizeBytes / 4 - 1),
                                 {},
                                 bytes.subspan(77, kSizeBytes / 4 - 77)});
  CHECK(eventually([&] { return resident_bytes() > before + kSizeBytes / 2 - kSlackBytes; }));
  CHECK(resident_bytes() < before + kSizeBytes / 2 + kSlackBytes);
}

TEST_CASE("populating ends at once when nobody needs it any more") {
  const Mapped mapped;
  // Terabytes, if it went on to the end.
  std::vector<std::span<const std::byte>> parts(10'000, mapped.file.bytes());
  const auto began = std::chrono::steady_clock::now();
  std::optional<PagePopulator> populator(std::in_place, std::move(parts));
  CHECK(eventually([&] { return resident_bytes() > kSizeBytes; }));
  populator.reset();
  CHECK(std::chrono::steady_clock::now() - began < std::chrono::seconds(10));
  runed::os::release_pages(mapped.file.bytes());
  CHECK(resident_bytes() < kSizeBytes);
}

TEST_CASE("a file that is cut short while it is populated ends it, and nothing else") {
  const Mapped mapped;
  std::vector<std::span<const std::byte>> parts(10'000, mapped.file.bytes());
  const PagePopulator populator(std::move(parts));
  CHECK(eventually([&] { return resident_bytes() > kSizeBytes / 2; }));
  std::filesystem::resize_file(mapped.path, 1);
  CHECK(eventually([&] { return !runed::os::populate_pages(mapped.file.bytes().last(1)); }));
}
