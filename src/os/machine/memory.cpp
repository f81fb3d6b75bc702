#include "os/machine/memory.hpp"

#include <malloc.h>
#include <sys/mman.h>
#include <unistd.h>

#include <charconv>
#include <string>
#include <string_view>

#include "base/text.hpp"
#include "os/file/files.hpp"
#include "os/process/proc_file.hpp"

namespace runed::os {
namespace {

size_t page_bytes() {
  return static_cast<size_t>(::sysconf(_SC_PAGESIZE));
}

}  // namespace

void release_pages(std::span<const std::byte> bytes) {
  const size_t page = page_bytes();
  const auto begin = reinterpret_cast<uintptr_t>(bytes.data());
  const uintptr_t first = (begin + page - 1) / page * page;
  const uintptr_t last = (begin + bytes.size()) / page * page;
  // A refusal (locked pages) leaves them where they are, which is all that could be done.
  if (first < last) ::madvise(reinterpret_cast<void*>(first), last - first, MADV_DONTNEED);
}

// An access to a page behind the end of its file would be a SIGBUS; here it is EFAULT.
// Source: madvise(2), MADV_POPULATE_READ.
bool populate_pages(std::span<const std::byte> bytes) {
  if (bytes.empty()) return true;
  const size_t page = page_bytes();
  const auto begin = reinterpret_cast<uintptr_t>(bytes.data());
  const uintptr_t first = begin / page * page;
  const size_t size = begin + bytes.size() - first;  // The kernel rounds it up.
  void* address = reinterpret_cast<void*>(first);
  // What is not in the page cache is asked for at once: page by page, as faults are, the disk takes
  // several times as long. Where it is refused, it was not needed.
  ::madvise(address, size, MADV_WILLNEED);
  return ::madvise(address, size, MADV_POPULATE_READ) == 0;
}

void trim_heap() {
  ::malloc_trim(0);
}

// Only what is executable and not writable: data that was relocated is nowhere but in memory.
// Source: proc_pid_maps(5): begin-end, rights, offset, device, inode, path.
void release_code() {
  constexpr size_t kMostMapsBytes = size_t{4} << 20;
  const Result<std::string> maps = read_file("/proc/self/maps", kMostMapsBytes);
  if (!maps.has_value()) return;
  for (const std::string_view line : split(*maps, '\n')) {
    uintptr_t begin = 0;
    uintptr_t end = 0;
    const char* last = line.data() + line.size();
    const auto [dash, begin_fault] = std::from_chars(line.data(), last, begin, 16);
    if (begin_fault != std::errc{} || dash == last) continue;
    const auto [rest, end_fault] = std::from_chars(dash + 1, last, end, 16);
    const bool is_code = std::string_view(rest, last).starts_with(" r-xp ");
    if (end_fault != std::errc{} || !is_code || line.find(" /") == std::string_view::npos) continue;
    ::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED);
  }
}

uint64_t resident_bytes() {
  return resident_bytes_of(static_cast<int>(::getpid()));
}

// Source: proc_pid_statm(5): size, then resident, in pages.
uint64_t resident_bytes_of(int pid) {
  const Result<std::string> text = read_file(fmt::format("/proc/{}/statm", pid), kMostProcBytes);
  if (!text.has_value()) return 0;
  return to_number(word_at(*text, 1)) * page_bytes();
}

// Source: proc_pid_status(5): both in kB, which are 1024 bytes.
uint64_t anonymous_bytes_of(int pid) {
  const Result<std::string> text = read_file(fmt::format("/proc/{}/status", pid), kMostProcBytes);
  if (!text.has_value()) return 0;
  return (number_after(*text, "RssAnon:") + number_after(*text, "VmSwap:")) * 1024;
}

// Source: proc_meminfo(5), MemAvailable, in kB.
uint64_t available_bytes() {
  const Result<std::string> text = read_file("/proc/meminfo", kMostProcBytes);
  return text.has_value() ? number_after(*text, "MemAvailable:") * 1024 : 0;
}

}  // namespace runed::os
