#include "os/process/child_helper.hpp"

#include <fcntl.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <csignal>
#include <string_view>

#include "base/check.hpp"
#include "os/file/retry.hpp"
#include "os/net/poll.hpp"
#include "os/process/process.hpp"

namespace runed::os {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view kMark = "--child-helper-of=";
// Before each variable of the program, which may be meant for the loader (LD_LIBRARY_PATH): our own
// executable is to be loaded as it is.
constexpr std::string_view kVariablePrefix = "RUNED_CHILD_";
constexpr int kRuns = 0;  // Any other message is an errno.
constexpr int kNotStarted = 127;
constexpr std::chrono::seconds kStartDeadline =
    30s;  // A loaded machine, a disk that has to spin up.

bool is_called = false;  // Of `run_as_child_helper`.

void tell_parent(int message) {
  retry_interrupted([&] { return ::write(ChildHelper::kStatusFd, &message, sizeof(message)); });
}

std::vector<char*> take_environment() {
  std::vector<char*> environment;
  for (char** entry = ::environ; *entry != nullptr; ++entry) {
    if (std::string_view(*entry).starts_with(kVariablePrefix)) {
      environment.push_back(*entry + kVariablePrefix.size());
    }
  }
  environment.push_back(nullptr);
  return environment;
}

[[noreturn]] void become_program(int parent, char** arguments) {
  ::fcntl(ChildHelper::kStatusFd, F_SETFD, FD_CLOEXEC);
  tell_parent(kRuns);
  const bool asked = ::prctl(PR_SET_PDEATHSIG, SIGKILL) == 0;
  // The parent may have ended before we asked, and then nobody listens any more.
  if (asked && ::getppid() == parent) {
    const std::vector<char*> environment = take_environment();
    ::execve(arguments[0], arguments, environment.data());
  }
  tell_parent(errno);
  ::_exit(kNotStarted);
}

}  // namespace

void run_as_child_helper(int argc, char** argv) {
  is_called = true;
  if (argc < 3 || !std::string_view(argv[1]).starts_with(kMark)) return;
  const std::string_view parent = std::string_view(argv[1]).substr(kMark.size());
  int pid = 0;
  std::from_chars(parent.data(), parent.data() + parent.size(), pid);
  become_program(pid, argv + 2);
}

Result<ChildHelper> ChildHelper::prepare(
    const std::vector<std::string>& arguments,
    const std::optional<std::vector<std::string>>& environment) {
  CHECK(is_called);  // Our own executable would not know what is wanted of it.
  ChildHelper helper;
  helper.path_ = arguments.front();
  helper.arguments_ = {"/proc/self/exe", fmt::format("{}{}", kMark, process_id())};
  helper.arguments_.insert(helper.arguments_.end(), arguments.begin(), arguments.end());
  std::vector<std::string> variables;
  for (char** entry = ::environ; *entry != nullptr; ++entry) {
    if (!std::string_view(*entry).starts_with(kVariablePrefix)) variables.emplace_back(*entry);
  }
  helper.environment_ = variables;
  for (const std::string& variable : environment.has_value() ? *environment : variables) {
    helper.environment_.push_back(fmt::format("{}{}", kVariablePrefix, variable));
  }
  TRY_ASSIGN(Pipe pipe, open_pipe());
  helper.reader_ = std::move(pipe.reader);
  // Above the target, so that connecting the first three descriptors cannot close it.
  helper.writer_ = Fd(::fcntl(pipe.writer.get(), F_DUPFD_CLOEXEC, kStatusFd + 1));
  if (!helper.writer_.is_open()) return os_error(errno, "cannot open a pipe");
  return helper;
}

Status ChildHelper::wait_for_program() {
  writer_.close();
  const auto until = std::chrono::steady_clock::now() + kStartDeadline;
  bool runs = false;
  while (true) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
    if (!wait_readable(reader_.get(), left)) {
      return make_error(ErrorCode::deadline_exceeded, "cannot start '{}': its helper hangs", path_);
    }
    int message = kRuns;
    const ssize_t count =
        retry_interrupted([&] { return ::read(reader_.get(), &message, sizeof(message)); });
    if (count == 0 && runs) return {};
    if (count == 0) {
      return make_error(ErrorCode::unavailable, "cannot start '{}': its helper ended at once",
                        path_);
    }
    if (count < 0) message = errno;
    if (message != kRuns) return os_error(message, "cannot start '{}'", path_);
    runs = true;
  }
}

}  // namespace runed::os
