#include "os/file/mapping_guard.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <iterator>
#include <string>
#include <thread>
#include <vector>

#include "os/file/fd.hpp"
#include "os/file/mapped_file.hpp"
#include "os/machine/memory.hpp"
#include "os/process/child.hpp"
#include "os/process/process.hpp"
#include "support/result_matchers.hpp"
#include "support/temp_dir.hpp"

using runed::os::Child;
using runed::os::ExitStatus;
using runed::os::MappedFile;
using runed::os::MappingGuard;
using runed::test::TempDir;
using runed::test::unwrap;
using runed::test::unwrap_error;
using runed::test::write_text;
using namespace std::chrono_literals;

namespace {

const size_t kPage = static_cast<size_t>(::sysconf(_SC_PAGESIZE));

// Eight pages of one letter.
std::string write_pages(const TempDir& dir, const char* name, char letter) {
  write_text(dir / name, std::string(8 * kPage, letter));
  return dir / name;
}

size_t count(const MappedFile& file, char letter) {
  size_t found = 0;
  for (const std::byte byte : file.bytes()) found += byte == std::byte(letter) ? 1 : 0;
  return found;
}

// Runs a test of this executable that is hidden, since it is to end the process.
ExitStatus run_hidden(const std::string& name) {
  const std::string self = std::filesystem::read_symlink("/proc/self/exe");
  // A sanitizer reports the signal, and would end with the code of a test that failed.
  std::vector<std::string> environment{"ASAN_OPTIONS=exitcode=99", "TSAN_OPTIONS=exitcode=99"};
  std::ranges::copy(runed::os::environment_variables(), std::back_inserter(environment));
  auto child = unwrap(Child::spawn({.arguments = {self, name}, .environment = environment}));
  const auto status = unwrap(child.wait(60s));
  REQUIRE(status.has_value());
  return *status;
}

// With a sanitizer, which reports the signal and ends with a code of its own.
bool was_ended_by_sigbus(const ExitStatus& status) {
  return status.signal == SIGBUS || status.code > 1;
}

// A mapping that nobody guards, of a file that was cut short.
volatile const char* map_hole(const std::string& path) {
  const auto fd = unwrap(runed::os::open_fd(path, O_RDONLY));
  void* mapping = ::mmap(nullptr, 8 * kPage, PROT_READ, MAP_PRIVATE, fd.get(), 0);
  REQUIRE(mapping != MAP_FAILED);
  std::filesystem::resize_file(path, 0);
  return static_cast<volatile const char*>(mapping);
}

}  // namespace

TEST_CASE("a page that the file has lost reads as zeros, and what was read before stays") {
  const TempDir dir;
  const std::string path = write_pages(dir, "file", 'x');
  const MappedFile file = unwrap(MappedFile::open(path));
  CHECK(count(file, 'x') == 8 * kPage);
  CHECK_FALSE(file.has_hole());
  std::filesystem::resize_file(path, 3 * kPage);
  CHECK(file.bytes()[0] == std::byte{'x'});
  CHECK_FALSE(file.has_hole());
  CHECK(file.bytes()[5 * kPage] == std::byte{0});
  CHECK(file.has_hole());
  CHECK(count(file, 'x') == 3 * kPage);
  CHECK(count(file, '\0') == 5 * kPage);
}

TEST_CASE("a hole stays one, whatever becomes of the file") {
  const TempDir dir;
  const std::string path = write_pages(dir, "file", 'x');
  const MappedFile file = unwrap(MappedFile::open(path));
  std::filesystem::resize_file(path, 0);
  CHECK(count(file, '\0') == 8 * kPage);
  write_pages(dir, "file", 'x');
  runed::os::release_pages(file.bytes());
  CHECK(count(file, '\0') == 8 * kPage);
  CHECK(file.has_hole());
  CHECK(count(unwrap(MappedFile::open(path)), 'x') == 8 * kPage);
}

TEST_CASE("of two mappings the one whose file was cut short has the hole") {
  const TempDir dir;
  const std::string path = write_pages(dir, "short", 'x');
  MappedFile cut = unwrap(MappedFile::open(path));
  const MappedFile same = unwrap(MappedFile::open(path));
  const MappedFile whole = unwrap(MappedFile::open(write_pages(dir, "whole", 'y')));
  std::filesystem::resize_file(path, 0);
  CHECK(count(cut, '\0') == 8 * kPage);
  CHECK(cut.has_hole());
  CHECK_FALSE(same.has_hole());
  CHECK(count(whole, 'y') == 8 * kPage);
  CHECK_FALSE(whole.has_hole());
  const MappedFile moved = std::move(cut);
  CHECK(moved.has_hole());
  CHECK_FALSE(cut.has_hole());
}

TEST_CASE("many threads may meet the same hole at once") {
  const TempDir dir;
  for (int round = 0; round < 20; ++round) {
    const std::string path = write_pages(dir, "file", 'x');
    const MappedFile file = unwrap(MappedFile::open(path));
    std::filesystem::resize_file(path, kPage);
    std::vector<size_t> zeros(8);
    {
      std::vector<std::jthread> threads;
      for (size_t& found : zeros) threads.emplace_back([&] { found = count(file, '\0'); });
    }
    CHECK(zeros == std::vector<size_t>(8, 7 * kPage));
    CHECK(file.has_hole());
  }
}

TEST_CASE("guards that end while others are met do no harm") {
  const TempDir dir;
  const std::string path = write_pages(dir, "file", 'x');
  const std::string other = write_pages(dir, "other", 'y');
  std::jthread ending([&other](const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      if (!MappedFile::open(other)) return;
    }
  });
  for (int round = 0; round < 200; ++round) {
    const MappedFile file = unwrap(MappedFile::open(path));
    std::filesystem::resize_file(path, kPage);
    CHECK(count(file, '\0') == 7 * kPage);
    std::filesystem::resize_file(path, 8 * kPage);
  }
}

TEST_CASE("more mappings than can be guarded are refused, and their end makes room") {
  const TempDir dir;
  const std::string path = write_pages(dir, "file", 'x');
  std::vector<MappedFile> files;
  while (true) {
    auto file = MappedFile::open(path);
    if (!file) {
      CHECK(file.error().message == "more than 256 files are mapped");
      break;
    }
    files.push_back(*std::move(file));
    REQUIRE(files.size() <= 256);
  }
  files.pop_back();
  CHECK_FALSE(unwrap(MappedFile::open(path)).has_hole());
}

TEST_CASE("hidden: a fault outside of every guarded mapping", "[.]") {
  const TempDir dir;
  const MappedFile guarded = unwrap(MappedFile::open(write_pages(dir, "guarded", 'x')));
  static_cast<void>(*map_hole(write_pages(dir, "file", 'x')));
}

TEST_CASE("hidden: a fault in what was guarded once", "[.]") {
  const TempDir dir;
  const auto path = write_pages(dir, "file", 'x');
  const std::byte* where = nullptr;
  {
    const MappedFile file = unwrap(MappedFile::open(path));
    where = file.bytes().data();
  }
  const auto fd = unwrap(runed::os::open_fd(path, O_RDONLY));
  void* mapping = ::mmap(const_cast<std::byte*>(where), 8 * kPage, PROT_READ,
                         MAP_PRIVATE | MAP_FIXED, fd.get(), 0);
  std::filesystem::resize_file(path, 0);
  static_cast<void>(*static_cast<volatile const char*>(mapping));
}

TEST_CASE("hidden: a SIGBUS that somebody sends", "[.]") {
  const TempDir dir;
  const MappedFile guarded = unwrap(MappedFile::open(write_pages(dir, "guarded", 'x')));
  ::kill(::getpid(), SIGBUS);
}

TEST_CASE("hidden: a SIGBUS that somebody sends, and that is ignored", "[.]") {
  std::signal(SIGBUS, SIG_IGN);
  const TempDir dir;
  const std::string path = write_pages(dir, "file", 'x');
  const MappedFile file = unwrap(MappedFile::open(path));
  ::kill(::getpid(), SIGBUS);
  std::filesystem::resize_file(path, 0);
  CHECK(count(file, '\0') == 8 * kPage);
}

TEST_CASE("what is no fault of ours ends the process as ever") {
  CHECK(was_ended_by_sigbus(run_hidden("hidden: a fault outside of every guarded mapping")));
  CHECK(was_ended_by_sigbus(run_hidden("hidden: a fault in what was guarded once")));
  CHECK(was_ended_by_sigbus(run_hidden("hidden: a SIGBUS that somebody sends")));
  const auto ignored = run_hidden("hidden: a SIGBUS that somebody sends\\, and that is ignored");
  CHECK(ignored.signal == 0);
  CHECK(ignored.code == 0);
}
