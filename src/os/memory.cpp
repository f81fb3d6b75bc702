#include "os/memory.hpp"

#include <malloc.h>
#include <sys/mman.h>
#include <unistd.h>

#include <charconv>

#include "os/files.hpp"

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

void trim_heap() {
  ::malloc_trim(0);
}

uint64_t resident_bytes() {
  return resident_bytes_of(static_cast<int>(::getpid()));
}

// Source: proc_pid_statm(5): size, then resident, in pages.
uint64_t resident_bytes_of(int pid) {
  const Result<std::string> text = read_file(fmt::format("/proc/{}/statm", pid), 4096);
  if (!text.has_value()) return 0;
  const size_t space = text->find(' ');
  if (space == std::string::npos) return 0;
  uint64_t pages = 0;
  std::from_chars(text->data() + space + 1, text->data() + text->size(), pages);
  return pages * page_bytes();
}

}  // namespace runed::os
