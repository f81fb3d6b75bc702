#include "client/time_limit.hpp"

#include <system_error>
#include <utility>

#include "os/machine/thread_room.hpp"

namespace runed::client {
namespace {

constexpr std::chrono::milliseconds kFreeze{2000};

}  // namespace

Result<std::unique_ptr<TimeLimit>> TimeLimit::start(std::function<void(const Error&)> on_exceeded) {
  TRY(os::check_thread_room(1));
  try {
    return std::unique_ptr<TimeLimit>(new TimeLimit(std::move(on_exceeded)));
  } catch (const std::system_error& fault) {  // Somebody else was faster.
    return make_error(ErrorCode::too_few_threads, "cannot start a thread: {}",
                      fault.code().message());
  }
}

TimeLimit::TimeLimit(std::function<void(const Error&)> on_exceeded)
    : on_exceeded_(std::move(on_exceeded)), thread_([this] { watch(); }) {}

TimeLimit::~TimeLimit() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    changed_.notify_all();
  }
  thread_.join();
}

TimeLimit::Step::Step(TimeLimit& limit, std::chrono::milliseconds longest) : limit_(limit) {
  limit_.set(std::chrono::steady_clock::now() + longest);
}

TimeLimit::Step::~Step() {
  limit_.set(std::nullopt);
}

void TimeLimit::set(std::optional<SteadyTime> until) {
  const std::lock_guard lock(mutex_);
  until_ = until;
  changed_.notify_all();
}

void TimeLimit::watch() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    const SteadyTime now = std::chrono::steady_clock::now();
    if (!until_.has_value()) {
      changed_.wait(lock);
    } else if (now < *until_) {
      changed_.wait_until(lock, *until_);
    } else if (now - *until_ > kFreeze) {
      until_ = now + kFreeze;  // The whole process was stopped, and its answer may be there.
    } else {
      lock.unlock();
      on_exceeded_(
          make_error(ErrorCode::deadline_exceeded,
                     "the connection to the daemon does not end its work")
              .with_hint("the machine may be short of threads or memory; 'runed doctor' looks"));
      return;
    }
  }
}

}  // namespace runed::client
