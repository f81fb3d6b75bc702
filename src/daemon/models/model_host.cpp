#include "daemon/models/model_host.hpp"

#include <cstring>
#include <exception>
#include <utility>

namespace runed::daemon {
namespace {

constexpr std::chrono::minutes kLoadPause{1};  // Of a model that is to be kept and cannot be had.
constexpr std::chrono::milliseconds kAfterFault{50};  // Memory that was lacking may be there then.

}  // namespace

ModelHost::ModelHost(EngineSource source, State& state, Scheduler::Shared shared,
                     const Clock& clock, Log& log, const Scheduler::Options& options,
                     std::function<void(const Error&)> on_load_failed)
    : source_(std::move(source)),
      state_(state),
      clock_(clock),
      log_(log),
      is_on_demand_(options.is_on_demand),
      name_(options.name),
      on_load_failed_(std::move(on_load_failed)),
      scheduler_(state, shared, clock, log, options, [this] { wake(); }),
      thread_([this] { run(); }) {}

ModelHost::~ModelHost() {
  stop(std::chrono::milliseconds(0));
  thread_.join();
}

bool ModelHost::stop(std::chrono::milliseconds timeout) {
  scheduler_.close();
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    changed_.notify_all();
  }
  scheduler_.interrupt_start();
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, timeout, [this] { return ended_; });
}

// The thread's one catch. What is thrown is memory that is lacking, most likely; the jobs that are
// dropped give theirs back, and are answered by that.
void ModelHost::run() {
  bool has_ended = false;
  while (!has_ended) {
    try {
      report_fault();
      serve();
      scheduler_.end();
      has_ended = true;
    } catch (const std::exception& fault) {
      scheduler_.drop_jobs();
      std::strncpy(fault_.data(), fault.what(), fault_.size() - 1);
    }
  }
  const std::lock_guard lock(mutex_);
  ended_ = true;
  changed_.notify_all();
}

// Before it has an engine it cannot serve: the daemon is told so, and ends.
void ModelHost::report_fault() {
  if (fault_.front() == '\0') return;
  const Error error =
      make_error(ErrorCode::internal, "{}: {}",
                 has_engine_ ? "the queue was lost" : "cannot make the engine", fault_.data());
  log_.error("the host of the model failed", {{"error", error.message}});
  fault_ = {};
  if (has_engine_ || is_on_demand_) {
    wait_until(clock_.steady_now() + kAfterFault);
  } else {
    give_up(error);
  }
}

void ModelHost::serve() {
  while (!is_stopping()) {
    if (!is_engine_needed()) {
      wait_until(scheduler_.is_kept() ? load_again_at_ : std::nullopt);
    } else if (Status loaded = load(); !loaded) {
      fail_load(loaded.error());
    } else {
      const auto due = scheduler_.turn();
      if (!due) return give_up(due.error());
      wait_until(*due);
    }
  }
}

// An engine that is there is always looked after.
bool ModelHost::is_engine_needed() {
  if (has_engine_ || !is_on_demand_) return true;
  const bool is_too_early = load_again_at_.has_value() && clock_.steady_now() < *load_again_at_;
  return scheduler_.is_waited_for() || (scheduler_.is_kept() && !is_too_early);
}

Status ModelHost::load() {
  if (has_engine_) return {};
  TRY_ASSIGN(auto engine, source_([this] { return is_stopping(); }));
  state_.loading(Phase::starting_engine, "loading the model");
  scheduler_.take(std::move(engine));
  has_engine_ = true;
  return {};
}

void ModelHost::fail_load(const Error& reason) {
  if (is_stopping()) return;
  if (!is_on_demand_) return give_up(reason);
  log_.error("cannot load the model", {{"name", name_}, {"error", reason.message}});
  scheduler_.refuse(reason);
  if (scheduler_.is_kept()) load_again_at_ = clock_.steady_now() + kLoadPause;
}

void ModelHost::give_up(const Error& reason) {
  scheduler_.abandon(reason);
  on_load_failed_(reason);
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return stopping_; });
}

// Until the next turn is due, or there is news. What is due is not waited for: the kernel takes up to
// 50 us even for a wait that is over (timer slack), and a pass takes three turns.
void ModelHost::wait_until(std::optional<SteadyTime> due) {
  if (due.has_value() && *due <= clock_.steady_now()) return;
  std::unique_lock lock(mutex_);
  const auto has_news = [this] { return woken_ || stopping_; };
  if (due.has_value()) {
    changed_.wait_until(lock, *due, has_news);
  } else {
    changed_.wait(lock, has_news);
  }
  woken_ = false;
}

// Told without the lock, which the thread would have to wait for as soon as it is awake.
void ModelHost::wake() {
  {
    const std::lock_guard lock(mutex_);
    woken_ = true;
  }
  changed_.notify_all();
}

bool ModelHost::is_stopping() {
  const std::lock_guard lock(mutex_);
  return stopping_;
}

}  // namespace runed::daemon
