#include "os/process/signals.hpp"

#include <sys/signalfd.h>
#include <unistd.h>

#include <array>
#include <cstring>

#include "base/check.hpp"
#include "os/file/retry.hpp"
#include "os/net/poll.hpp"

namespace runed::os {

SignalWatcher::SignalWatcher() {
  sigset_t watched;
  ::sigemptyset(&watched);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, kReloadSignal}) ::sigaddset(&watched, signal);
  CHECK(::pthread_sigmask(SIG_BLOCK, &watched, nullptr) == 0);
  fd_ = Fd(::signalfd(-1, &watched, SFD_CLOEXEC | SFD_NONBLOCK));
  CHECK(fd_.is_open());  // As in Wakeup: a process without a descriptor cannot even start.
}

std::optional<int> SignalWatcher::wait(std::chrono::milliseconds timeout) {
  if (!wait_readable(std::array{fd_.get(), wakeup_.fd()}, timeout)) return std::nullopt;
  signalfd_siginfo info{};
  const ssize_t count = retry_interrupted([&] { return ::read(fd_.get(), &info, sizeof(info)); });
  // A wake that came together with a signal stays for the next wait.
  if (count == sizeof(info)) return static_cast<int>(info.ssi_signo);
  wakeup_.clear();
  return std::nullopt;
}

void ignore_sigpipe() {
  std::signal(SIGPIPE, SIG_IGN);
}

void ignore_file_size_signal() {
  std::signal(SIGXFSZ, SIG_IGN);
}

void restore_child_signal() {
  std::signal(SIGCHLD, SIG_DFL);
}

std::string signal_name(int signal) {
  const char* name = ::sigabbrev_np(signal);
  return name != nullptr ? fmt::format("SIG{}", name) : fmt::format("signal {}", signal);
}

}  // namespace runed::os
