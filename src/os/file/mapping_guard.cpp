#include "os/file/mapping_guard.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <thread>

#include "base/check.hpp"

// The handler runs on the thread that touched the page, in the middle of whatever that does. So all
// that it reads is in memory that is always there and is only written by atomic operations, and all
// that it does is a system call: it maps zeros over the page and returns, and the access is made
// again. It never jumps out: locks would stay locked and destructors would not run. Who used the
// mapping asks for the hole when it is done, and throws away what it made of the zeros.
//
// A guard can end on one thread while the handler looks at its slot on another. The handler enters
// a slot (`visitors`) before it looks, and the guard's end clears the slot before it waits for the
// visitors to leave: so either the handler sees the slot cleared, or the mapping outlives the look.

namespace runed::os {
namespace {

constexpr size_t kMostMappings = 256;

struct sigaction previous_action {};
uintptr_t page_bytes = 0;

}  // namespace

struct MappingGuard::Slot {
  std::atomic<bool> is_taken{false};
  std::atomic<bool> has_hole{false};
  std::atomic<uint32_t> visitors{0};  // Handlers that may use what the next two say.
  std::atomic<uintptr_t> begin{0};    // 0: nothing is guarded.
  std::atomic<uintptr_t> end{0};      // On the bound of a page.
};

struct MappingGuard::Registry {
  static constinit std::array<Slot, kMostMappings> slots;

  static bool fill_hole(Slot& slot, uintptr_t address);
  static bool fill_hole(const siginfo_t& info);
  static void pass_on(int signal, const siginfo_t& info);
  static void on_signal(int signal, siginfo_t* info, void* context);
  static bool install();
};

constinit std::array<MappingGuard::Slot, kMostMappings> MappingGuard::Registry::slots{};

// The rest of the mapping too: a file that was cut short has none of it, and a hole a page would
// take a fault each, and a map of memory longer than the kernel allows.
bool MappingGuard::Registry::fill_hole(Slot& slot, uintptr_t address) {
  const uintptr_t begin = slot.begin;
  const uintptr_t end = slot.end;
  if (begin == 0 || address < begin || address >= end) return false;
  slot.has_hole = true;  // Before anybody can read the zeros.
  const uintptr_t page = address / page_bytes * page_bytes;
  return ::mmap(reinterpret_cast<void*>(page), end - page, PROT_READ,
                MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED;
}

bool MappingGuard::Registry::fill_hole(const siginfo_t& info) {
  if (info.si_code <= 0) return false;  // Sent by a process. Source: sigaction(2), si_code.
  for (Slot& slot : slots) {
    ++slot.visitors;
    const bool is_filled = fill_hole(slot, reinterpret_cast<uintptr_t>(info.si_addr));
    --slot.visitors;
    if (is_filled) return true;
  }
  return false;
}

// A fault comes again as soon as the handler returns. A signal that was sent does not.
void MappingGuard::Registry::pass_on(int signal, const siginfo_t& info) {
  const bool was_sent = info.si_code <= 0;
  if (was_sent && previous_action.sa_handler == SIG_IGN) return;
  ::sigaction(signal, &previous_action, nullptr);
  if (was_sent) static_cast<void>(::raise(signal));  // Blocked until the handler has returned.
}

void MappingGuard::Registry::on_signal(int signal, siginfo_t* info, void* /*context*/) {
  const int saved_errno = errno;
  if (!fill_hole(*info)) pass_on(signal, *info);
  errno = saved_errno;
}

bool MappingGuard::Registry::install() {
  page_bytes = static_cast<uintptr_t>(::sysconf(_SC_PAGESIZE));
  struct sigaction action {};
  action.sa_sigaction = &on_signal;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  ::sigemptyset(&action.sa_mask);
  // Asked for first, so that it is known before the handler can run.
  CHECK(::sigaction(SIGBUS, nullptr, &previous_action) == 0);
  CHECK(::sigaction(SIGBUS, &action, nullptr) == 0);
  return true;
}

Result<MappingGuard> MappingGuard::create(std::span<const std::byte> mapping) {
  [[maybe_unused]] static const bool is_installed = Registry::install();
  for (Slot& slot : Registry::slots) {
    if (slot.is_taken.exchange(true)) continue;
    const auto begin = reinterpret_cast<uintptr_t>(mapping.data());
    slot.has_hole = false;
    slot.end = (begin + mapping.size() + page_bytes - 1) / page_bytes * page_bytes;
    slot.begin = begin;
    return MappingGuard(&slot);
  }
  return make_error(ErrorCode::io, "more than {} files are mapped", kMostMappings);
}

MappingGuard::~MappingGuard() {
  if (slot_ == nullptr) return;
  slot_->begin = 0;
  while (slot_->visitors != 0) std::this_thread::yield();
  slot_->is_taken = false;
}

bool MappingGuard::has_hole() const {
  return slot_ != nullptr && slot_->has_hole;
}

}  // namespace runed::os
