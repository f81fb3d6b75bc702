#include "os/process/process_setup.hpp"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <string_view>

#include "base/text.hpp"
#include "os/file/fd.hpp"
#include "os/file/files.hpp"
#include "os/machine/cgroup.hpp"
#include "os/machine/cpus.hpp"
#include "os/process/proc_file.hpp"
#include "os/process/process.hpp"
#include "os/process/signals.hpp"

namespace runed::os {
namespace {

using Kept = std::vector<std::string>;

// Read by OpenSSL and by the loader, of ours and of a llama-server's. Of PATH we use what is absolute.
constexpr std::array kPathVariables{"SSL_CERT_FILE", "SSL_CERT_DIR", "LD_LIBRARY_PATH"};

constexpr mode_t kPrivateMask = 0077;
constexpr rlim_t kOrdinaryStack = rlim_t{8} << 20;  // Bytes; as Linux itself sets it.
constexpr rlim_t kOrdinaryFiles = 4096;             // The hard limit that Linux itself sets.
constexpr const char* kOomScore = "/proc/self/oom_score_adj";

// Source: the kernel's include/uapi/linux/ioprio.h; glibc has no wrapper.
constexpr int kIoOfProcess = 1;
constexpr int kIoClassShift = 13;
constexpr int kIoClassNone = 0;  // Follows the niceness.

std::string absolute_entries(const std::string& list) {
  std::string all;
  for (const std::string_view entry : split(list, ':')) {
    all += fmt::format("{}{}", all.empty() ? "" : ":", absolute_path(std::string(entry)));
  }
  return all;
}

void reset_signals() {
  for (int signal = 1; signal <= SIGRTMAX; ++signal) {
    struct sigaction action {};
    // Ignored by main.
    if (signal == SIGPIPE || signal == SIGXFSZ) continue;
    if (::sigaction(signal, nullptr, &action) != 0) continue;
    if (action.sa_handler == SIG_IGN) std::signal(signal, SIG_DFL);
  }
  // What a SignalWatcher blocks to receive it stays so.
  sigset_t others;
  ::sigfillset(&others);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, kReloadSignal}) ::sigdelset(&others, signal);
  ::pthread_sigmask(SIG_UNBLOCK, &others, nullptr);
}

// Source: sched(7).
std::string name_of_policy(int policy) {
  switch (policy) {
    case SCHED_BATCH:
      return "batch";
    case SCHED_IDLE:
      return "idle";
    case SCHED_FIFO:
      return "fifo";
    case SCHED_RR:
      return "rr";
    default:
      return std::to_string(policy);
  }
}

void reset_scheduling(Kept& kept) {
  const sched_param none{};
  const int policy = ::sched_getscheduler(0);
  if (policy != SCHED_OTHER && ::sched_setscheduler(0, SCHED_OTHER, &none) != 0) {
    kept.push_back(fmt::format("scheduling policy {}", name_of_policy(policy)));
  }
  ::setpriority(PRIO_PROCESS, 0, 0);
  if (const int niceness = ::getpriority(PRIO_PROCESS, 0); niceness != 0) {
    kept.push_back(fmt::format("niceness {}", niceness));
  }
  ::syscall(SYS_ioprio_set, kIoOfProcess, 0, kIoClassNone << kIoClassShift);
  const auto io_class = ::syscall(SYS_ioprio_get, kIoOfProcess, 0) >> kIoClassShift;
  if (io_class > kIoClassNone) kept.push_back(fmt::format("I/O class {}", io_class));
}

void reset_oom_score(Kept& kept) {
  const auto read_score = [] {
    return std::atoi(read_file(kOomScore, 64).value_or("0").c_str());
  };
  if (read_score() == 0) return;
  if (const auto file = open_fd(kOomScore, O_WRONLY)) {
    static_cast<void>(write_all(file->get(), "0").has_value());
  }
  if (const int score = read_score(); score != 0) {
    kept.push_back(fmt::format("out-of-memory score {:+}", score));
  }
}

// The kernel takes away what the cpuset does not have.
void widen_to_cgroup(Kept& kept) {
  std::array<cpu_set_t, 16> all{};  // As in cpus.cpp.
  for (size_t cpu = 0; cpu < sizeof(all) * 8; ++cpu) CPU_SET_S(cpu, sizeof(all), all.data());
  ::sched_setaffinity(0, sizeof(all), all.data());
  const unsigned cpus = available_cpus();
  const auto online = static_cast<unsigned>(::sysconf(_SC_NPROCESSORS_ONLN));
  if (cpus < online) kept.push_back(fmt::format("{} of {} CPUs, by its cgroup", cpus, online));
  const auto machine = number_after(read_file("/proc/meminfo", kMostProcBytes).value_or(""),
                                    "MemTotal:") * 1024;
  if (const auto bytes = find_cgroup_memory("/"); bytes && *bytes < static_cast<double>(machine)) {
    kept.push_back(fmt::format("{} of memory, by its cgroup",
                               format_bytes(static_cast<uint64_t>(*bytes))));
  }
}

struct Limit {
  __rlimit_resource resource;
  const char* unit;  // For people, after the number.
  rlim_t ordinary;   // From here on it is not worth a word.
};

constexpr std::array kLimits{
    Limit{RLIMIT_NOFILE, "open files", kOrdinaryFiles},
    Limit{RLIMIT_CPU, "s of CPU time", RLIM_INFINITY},
    Limit{RLIMIT_FSIZE, "bytes a file", RLIM_INFINITY},
    Limit{RLIMIT_DATA, "bytes of data", RLIM_INFINITY},
    Limit{RLIMIT_AS, "bytes of addresses", RLIM_INFINITY},
    Limit{RLIMIT_STACK, "bytes of stack", kOrdinaryStack},
    Limit{RLIMIT_NPROC, "processes of this user", 1024},
    Limit{RLIMIT_MEMLOCK, "bytes locked", 0},
    Limit{RLIMIT_SIGPENDING, "pending signals", 0},
};

void raise_limits(Kept& kept) {
  for (const Limit& each : kLimits) {
    rlimit limit{};
    if (::getrlimit(each.resource, &limit) != 0) continue;
    // A stack without a limit would move every mapping of our children, and is of no use.
    const rlim_t wanted = each.resource == RLIMIT_STACK
                              ? std::max(limit.rlim_cur, std::min(limit.rlim_max, kOrdinaryStack))
                              : limit.rlim_max;
    limit.rlim_cur = wanted;
    ::setrlimit(each.resource, &limit);
    if (limit.rlim_max < each.ordinary) {
      kept.push_back(fmt::format("at most {} {}", limit.rlim_max, each.unit));
    }
  }
  // New threads would have the stack that was the limit when this program began.
  rlimit stack{};
  pthread_attr_t attributes;
  if (::getrlimit(RLIMIT_STACK, &stack) != 0 || ::pthread_getattr_default_np(&attributes) != 0) {
    return;
  }
  size_t size = 0;
  ::pthread_attr_getstacksize(&attributes, &size);
  const rlim_t most = std::min(stack.rlim_cur, kOrdinaryStack);
  if (size < most && ::pthread_attr_setstacksize(&attributes, most) == 0) {
    ::pthread_setattr_default_np(&attributes);
  }
  ::pthread_attr_destroy(&attributes);
}

}  // namespace

void leave_working_directory() {
  for (const char* name : kPathVariables) {
    const auto value = environment_variable(name);
    if (!value.has_value() || value->empty()) continue;
    ::setenv(name, absolute_entries(*value).c_str(), 1);
  }
  ::umask(kPrivateMask);
  if (::chdir("/") != 0) return;  // A root that may not be entered; then nothing is lost.
}

std::vector<std::string> shed_inheritance() {
  Kept kept;
  reset_signals();
  reset_scheduling(kept);
  reset_oom_score(kept);
  widen_to_cgroup(kept);
  raise_limits(kept);
  return kept;
}

Fd take_stdin() {
  Fd before(::fcntl(kStdin, F_DUPFD_CLOEXEC, kStderr + 1));
  auto null = open_fd("/dev/null", O_RDONLY);
  if (!null) return before;
  if (null->get() == kStdin) {
    static_cast<void>(null->release());
  } else {
    ::dup2(null->get(), kStdin);
  }
  return before;
}

}  // namespace runed::os
