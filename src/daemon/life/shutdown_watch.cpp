#include "daemon/life/shutdown_watch.hpp"

#include <utility>

namespace runed::daemon {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kFirstStep{5000};
constexpr int kSignalBase = 128;  // As shells count.

}  // namespace

ShutdownWatch::ShutdownWatch(os::SignalWatcher& signals, Log& log,
                             std::function<void(int exit_code)> end_process)
    : signals_(signals),
      log_(log),
      end_process_(std::move(end_process)),
      thread_([this] { watch(); }) {}

ShutdownWatch::~ShutdownWatch() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    changed_.notify_all();
  }
  signals_.wake();
  thread_.join();
}

void ShutdownWatch::begin(int exit_code) {
  const std::lock_guard lock(mutex_);
  begun_ = true;
  exit_code_ = exit_code;
  step_ = "begin";
  until_ = std::chrono::steady_clock::now() + kFirstStep;
  changed_.notify_all();
}

void ShutdownWatch::begin_step(std::string name, std::chrono::milliseconds longest) {
  {
    const std::lock_guard lock(mutex_);
    step_ = std::move(name);
    until_ = std::chrono::steady_clock::now() + longest;
  }
  signals_.wake();
}

bool ShutdownWatch::wait_for_begin() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return begun_ || stopping_; });
  return !stopping_;
}

void ShutdownWatch::watch() {
  if (!wait_for_begin()) return;
  while (true) {
    milliseconds left{};
    {
      const std::lock_guard lock(mutex_);
      if (stopping_) return;
      left = std::chrono::ceil<milliseconds>(until_ - std::chrono::steady_clock::now());
      if (left.count() <= 0) {
        log_.warn("a step of the shutdown takes too long; ending at once", {{"step", step_}});
        return end_process_(exit_code_);
      }
    }
    if (const auto signal = signals_.wait(left);
        signal.has_value() && *signal != os::kReloadSignal) {
      log_.warn("received a second signal; ending at once", {{"signal", os::signal_name(*signal)}});
      return end_process_(kSignalBase + *signal);
    }
  }
}

}  // namespace runed::daemon
