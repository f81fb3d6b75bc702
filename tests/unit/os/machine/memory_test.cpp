#include "os/machine/memory.hpp"

#include <filesystem>
#include <memory>

#include "os/file/mapped_file.hpp"
#include "os/process/child.hpp"
#include "os/process/process.hpp"
#include "support/result_matchers.hpp"
#include "support/temp_dir.hpp"

using runed::os::anonymous_bytes_of;
using runed::os::MappedFile;
using runed::os::populate_pages;
using runed::os::process_id;
using runed::os::resident_bytes;
using runed::test::TempDir;
using runed::test::unwrap;
using namespace std::chrono_literals;

namespace {
constexpr size_t kSizeBytes = size_t{64} << 20;
constexpr size_t kSlackBytes = size_t{16} << 20;
}  // namespace

TEST_CASE("memory that a process filled itself counts as anonymous") {
  const uint64_t before = anonymous_bytes_of(process_id());
  CHECK(before > 0);
  const auto memory = std::make_unique<std::byte[]>(kSizeBytes);  // Zeroed, and so touched.
  CHECK(anonymous_bytes_of(process_id()) > before + kSizeBytes - kSlackBytes);
  CHECK(memory[kSizeBytes - 1] == std::byte{0});
}

TEST_CASE("a mapped file counts as resident and not as anonymous") {
  const TempDir dir;
  runed::test::write_text(dir / "file", "");
  std::filesystem::resize_file(dir / "file", kSizeBytes);
  const uint64_t anonymous_before = anonymous_bytes_of(process_id());
  const uint64_t resident_before = resident_bytes();
  const MappedFile file = unwrap(MappedFile::open(dir / "file"));
  size_t sum = 0;
  for (const std::byte each : file.bytes()) sum += std::to_integer<size_t>(each);
  CHECK(sum == 0);
  CHECK(resident_bytes() > resident_before + kSizeBytes - kSlackBytes);
  CHECK(anonymous_bytes_of(process_id()) < anonymous_before + kSlackBytes);
}

TEST_CASE("pages are populated whole, and what is behind the end of a file is refused") {
  const TempDir dir;
  runed::test::write_text(dir / "file", "");
  std::filesystem::resize_file(dir / "file", kSizeBytes);
  const MappedFile file = unwrap(MappedFile::open(dir / "file"));
  const uint64_t before = resident_bytes();
  CHECK(populate_pages({}));
  CHECK(populate_pages(file.bytes().subspan(1, kSizeBytes - 2)));
  CHECK(resident_bytes() > before + kSizeBytes - kSlackBytes);
  std::filesystem::resize_file(dir / "file", kSizeBytes / 2);
  CHECK(populate_pages(file.bytes().first(kSizeBytes / 2)));
  CHECK_FALSE(populate_pages(file.bytes()));
}

TEST_CASE("a process that is gone has no memory") {
  auto child = unwrap(runed::os::Child::spawn({.arguments = {"/bin/sleep", "60"}}));
  const int pid = child.pid();
  CHECK(anonymous_bytes_of(pid) > 0);
  unwrap(child.stop(10s));
  CHECK(anonymous_bytes_of(pid) == 0);
  CHECK(runed::os::resident_bytes_of(pid) == 0);
}

TEST_CASE("code is given back, and executed again") {
  const uint64_t before = resident_bytes();
  runed::os::release_code();
  CHECK(resident_bytes() < before);
  CHECK(std::to_string(before).size() > 1);  // What was released is found again.
}
