#include "daemon/life/daemon.hpp"

#include <algorithm>
#include <cstdlib>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "daemon/api/api.hpp"
#include "daemon/api/frontend.hpp"
#include "daemon/api/open_streams.hpp"
#include "daemon/grpc/grpc_frontend.hpp"
#include "daemon/life/listener.hpp"
#include "daemon/life/shutdown_watch.hpp"
#include "daemon/life/singleton.hpp"
#include "daemon/models/model_pool.hpp"
#include "os/machine/memory.hpp"
#include "os/machine/thread_room.hpp"
#include "os/net/socket_path.hpp"
#include "os/process/process.hpp"

namespace runed::daemon {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr seconds kDefaultGrace{10};
constexpr seconds kMostGrace{60};  // A caller may ask for patience; singleton.cpp waits as long.
constexpr seconds kPassTime{3};    // For the forward pass under way when the grace is over.
constexpr seconds kEndTime{7};  // Then for a child to end: TERM, 5 s, KILL. Or for the pass still.
constexpr milliseconds kFlushTime{1000};  // For replies on their way and for Health watchers.
constexpr milliseconds kShortFlushTime{200};
constexpr milliseconds kFailureLinger{500};  // For clients that wait to learn the reason in Health.
constexpr milliseconds kMargin{2000};        // Of the watch beyond a step's own deadline.
constexpr milliseconds kQuietTime{2000};     // Without work, until memory is given back.
constexpr int kQuietLooks = 15;  // Half a minute of it.

/// Why and how to stop: the first request wins.
class StopRequest {
 public:
  struct Details {
    seconds grace = kDefaultGrace;
    std::optional<Error> error;  // What made the daemon give up, if anything.
  };

  explicit StopRequest(os::SignalWatcher& signals) : signals_(signals) {}

  /// Returns whether this was the first request.
  bool ask(Details details) {
    const std::lock_guard lock(mutex_);
    const bool is_first = !details_.has_value();
    if (is_first) details_ = std::move(details);
    signals_.wake();
    return is_first;
  }

  std::optional<Details> get() const {
    const std::lock_guard lock(mutex_);
    return details_;
  }

 private:
  os::SignalWatcher& signals_;
  mutable std::mutex mutex_;  // Guards details_.
  std::optional<Details> details_;
};

using Frontends = std::vector<std::unique_ptr<Frontend>>;

Frontends make_frontends() {
  Frontends frontends;
  frontends.push_back(std::make_unique<GrpcFrontend>());
  return frontends;
}

/// The parts of a running daemon, in the order in which they need each other.
class Daemon {
 public:
  Daemon(DaemonOptions options, os::SignalWatcher& signals, const Clock& clock, Log& log)
      : signals_(signals),
        clock_(clock),
        log_(log),
        exit_code_of_(std::move(options.exit_code_of)),
        on_end_(std::move(options.on_end)),
        stop_(signals),
        models_(pool_options(std::move(options.models)), clock, log),
        api_({models_, streams_, clock, log}, std::move(options.service),
             {.request_stop =
                  [this](int grace_seconds) {
                    if (stop_.ask({grace(grace_seconds), {}})) begin_end({});
                  },
              .look_at_file = std::move(options.look_at_file),
              .reload = [this, reload = std::move(options.reload)] { return reload(models_); }}),
        watch_(signals, log, [this](int exit_code) { end_process(exit_code); }) {}

  Status serve(os::UnixListener socket);

 private:
  static seconds grace(int asked) {
    return asked <= 0 ? kDefaultGrace : std::min(seconds(asked), kMostGrace);
  }

  ModelPool::Options pool_options(ModelPool::Options options);
  void begin_end(const std::optional<Error>& error);
  void publish_health();
  StopRequest::Details wait_for_stop();
  void reload();
  void trim_when_quiet();
  void drain(seconds grace);
  void end_models();
  void end_frontends();
  [[noreturn]] void end_process(int exit_code);

  os::SignalWatcher& signals_;
  const Clock& clock_;
  Log& log_;
  const std::function<int(const Error&)> exit_code_of_;
  const std::function<void()> on_end_;
  StopRequest stop_;
  const Frontends frontends_ = make_frontends();  // Before the models, which tell them their changes.
  ModelPool models_;
  OpenStreams streams_;
  Api api_;
  int64_t seen_work_ = 0;  // At the last look.
  int looks_left_ = 0;     // At a daemon without work.
  ShutdownWatch watch_;    // Last: it uses the parts above until it is gone.
};

ModelPool::Options Daemon::pool_options(ModelPool::Options options) {
  options.on_change = [this](Serving) { publish_health(); };
  options.on_load_failed = [this](const Error& error) { stop_.ask({.error = error}); };
  return options;
}

void Daemon::publish_health() {
  for (const auto& frontend : frontends_) frontend->publish_health();
}

Status Daemon::serve(os::UnixListener socket) {
  for (const auto& frontend : frontends_) frontend->start(api_);
  const std::string path = socket.path();
  std::vector<ListeningSocket> sockets;
  sockets.emplace_back(std::move(socket));
  std::vector<Frontend*> frontends;
  for (const auto& frontend : frontends_) frontends.push_back(frontend.get());
  Listener listener(std::move(sockets), std::move(frontends),
                    {.on_evicted = [this] { stop_.ask({}); }}, clock_, log_);
  log_.info("listening", {{"socket", path}});

  const StopRequest::Details stop = wait_for_stop();
  watch_.begin(stop.error.has_value() ? exit_code_of_(*stop.error) : 0);
  begin_end(stop.error);
  if (stop.error.has_value()) std::this_thread::sleep_for(kFailureLinger);
  listener.close();
  streams_.close();
  drain(stop.grace);
  end_models();
  end_frontends();
  log_.info("shutdown complete");
  if (on_end_) on_end_();
  if (stop.error.has_value()) return *stop.error;
  return {};
}

// Who asked by Shutdown is answered after this: what comes next is told that the daemon ends.
void Daemon::begin_end(const std::optional<Error>& error) {
  models_.close(error);
}

StopRequest::Details Daemon::wait_for_stop() {
  while (true) {
    const auto signal = signals_.wait(kQuietTime);
    if (signal == os::kReloadSignal) {
      reload();
    } else if (signal.has_value()) {
      log_.info("received signal", {{"signal", os::signal_name(*signal)}});
      return {};
    }
    if (auto details = stop_.get()) return *details;
    trim_when_quiet();
    models_.tidy();
    log_.tell_left_out();
  }
}

// The last catch of a signal: for want of memory the daemon goes on as it was.
void Daemon::reload() try {
  const auto reloaded = api_.reload();
  if (!reloaded) {
    log_.warn("cannot reload", {{"error", reloaded.error().message}});
  } else {
    log_.info("reloaded", {{"changed", reloaded->changed}, {"needs_start", reloaded->needs_start}});
  }
} catch (const std::exception& fault) {
  log_.warn("cannot reload", {{"error", fault.what()}});
}

// What many clients at once have left with the allocator: it keeps it for itself. Not while there is
// work, which would wait for it and take the memory again; and more than once, since connections go
// after their calls.
void Daemon::trim_when_quiet() {
  const int64_t work = models_.work_done();
  if (work != seen_work_) {
    seen_work_ = work;
    looks_left_ = kQuietLooks;
  } else if (looks_left_ > 0 && models_.queue_tokens() == 0) {
    --looks_left_;
    os::trim_heap();
  }
}

void Daemon::drain(seconds grace) {
  watch_.begin_step("draining", grace + kMargin);
  log_.info("draining in-flight requests", {{"grace_seconds", grace.count()}});
  if (models_.drain(grace)) {
    log_.info("graceful stop complete");
  } else {
    log_.warn("the grace time is over; requests under way are cut");
  }
}

// Nothing that was asked for is left by now, or the grace is over. A start is given up at once, a
// pass under way may still end; then the engine is interrupted, so that the host's thread can
// stop it: nothing is to be left of it either.
void Daemon::end_models() {
  watch_.begin_step("stopping the engine", kPassTime + kEndTime);
  if (models_.stop(kPassTime)) return;
  log_.warn("the forward pass under way takes too long; giving it up");
  models_.interrupt();
  models_.stop(2 * kEndTime);  // The watch does not wait as long.
}

// One after the other: each of them has the time.
void Daemon::end_frontends() {
  // A daemon that never had a model has sent no reply that could still be on its way.
  const milliseconds flush_time = models_.default_model()->state().model() == nullptr ? kShortFlushTime : kFlushTime;
  watch_.begin_step("closing connections", frontends_.size() * flush_time + kMargin);
  for (const auto& frontend : frontends_) frontend->end(flush_time);
}

// Without destructors, which would wait. A child that does not end within the moment it is given is
// killed by the kernel, as its parent-death signal.
void Daemon::end_process(int exit_code) {
  models_.interrupt();
  models_.stop(kShortFlushTime);
  if (on_end_) on_end_();
  std::_Exit(exit_code);
}

// Ours, and those of gRPC (1.51), which ends the process where it cannot have one for its service of
// the standard protocols.
size_t daemon_threads() {
  return 14 + 2 * std::clamp<size_t>(std::thread::hardware_concurrency(), 2, 16);
}

}  // namespace

Result<Outcome> run_daemon(DaemonOptions options, os::SignalWatcher& signals, const Clock& clock,
                           Log& log) {
  log.info("starting", {{"version", options.service.daemon_version},
                        {"pid", os::process_id()},
                        {"home", options.home}});
  if (!options.service.inherited.empty()) {
    log.info("kept from the process that started it", {{"inherited", options.service.inherited}});
  }
  TRY_ASSIGN(const AcquiredLock held, acquire_daemon_lock({.lock_path = options.lock_path,
                                                           .socket_path = options.socket_path,
                                                           .is_abandoned = options.is_abandoned},
                                                          signals, log));
  if (held.told_to_stop) return Outcome::stopped;
  if (!held.lock.has_value()) {
    log.info("another runed daemon is already serving this socket; exiting");
    return Outcome::already_running;
  }
  TRY(os::check_thread_room(daemon_threads()));
  if (options.on_begin) options.on_begin();
  // Not before: one that steps back leaves no directory behind.
  TRY(os::prepare_socket_directory(options.socket_path));
  TRY_ASSIGN(auto socket, os::UnixListener::listen(options.socket_path));
  Daemon daemon(std::move(options), signals, clock, log);
  TRY(daemon.serve(std::move(socket)));
  return Outcome::stopped;
}

}  // namespace runed::daemon
