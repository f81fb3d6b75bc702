#include "daemon/models/engine_life.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "base/duration.hpp"
#include "os/machine/memory.hpp"

namespace runed::daemon {
namespace {

using std::chrono::nanoseconds;

// Far enough never to matter, near enough not to overflow a time point.
constexpr nanoseconds kLongestIdle = std::chrono::hours(24 * 365);

// What was told of the model stays true for as long as the daemon lives.
constexpr const char* kPutBack =
    "put the file back, or end the daemon with 'runed shutdown --wait 10': the next one serves "
    "what "
    "is there";

constexpr std::array<uint32_t, 1> kNoTexts{0};  // The offsets of a batch of none.

// A connection may break before the end of the process is seen.
constexpr nanoseconds kEndTime = std::chrono::milliseconds(200);

// In a row, without a pass completed in between: past it, no coincidence, and charged like a death.
constexpr size_t kMostKilledInRow = 100;  // About a minute and a half.
constexpr size_t kMostKilledAtStart = 5;

// Of an engine that is kept, after what another start does not heal.
constexpr nanoseconds kKeptPause = std::chrono::minutes(1);

// What another start a moment later does not heal. The next request tries all the same.
bool is_lasting(ErrorCode code) {
  return code == ErrorCode::model_missing || code == ErrorCode::model_corrupt ||
         code == ErrorCode::model_unsupported;
}

// Three codes are between an engine and its EngineLife.
Error as_told(Error error) {
  if (error.code == ErrorCode::engine_died || error.code == ErrorCode::engine_killed ||
      error.code == ErrorCode::engine_fault) {
    error.code = ErrorCode::internal;
  }
  return error;
}

Error restarting_error(const std::string& cause, nanoseconds wait) {
  if (wait.count() == 0) {
    return make_error(ErrorCode::engine_restarting, "{}; starting it again", cause);
  }
  return make_error(ErrorCode::engine_restarting, "{}; starting it again in {}", cause,
                    format_duration(wait));
}

EngineStep down(Error reason) {
  return {.kind = EngineStep::Kind::down, .reason = std::move(reason)};
}

}  // namespace

EngineLife::EngineLife(State& state, const Clock& clock, Log& log, Options options)
    : state_(state),
      clock_(clock),
      log_(log),
      options_(std::move(options)),
      idle_timeout_(options_.idle_timeout),
      budget_(options_.restarts) {}

void EngineLife::take(std::unique_ptr<embed::Engine> engine, std::function<void()> wake) {
  engine_ = std::move(engine);
  engine_->on_death([this, wake = std::move(wake)] {
    died_ = true;
    wake();
  });
  shared_engine_ = engine_.get();
}

EngineStep EngineLife::next(SteadyTime now) {
  switch (condition_) {
    case Condition::running:
      return look_after(now);
    case Condition::silent:
      return listen(now);
    case Condition::waiting:
      if (now < again_at_) return {.kind = EngineStep::Kind::wait, .until = again_at_};
      ++restarts_;
      if (was_loaded_) state_.degraded(restarting_error(cause_, nanoseconds(0)));
      return start(now);
    case Condition::exhausted:
      if (budget_.is_spent(now)) return down(exhausted_error(now));
      return start(now);
    case Condition::stopped:
      return start(now);
  }
  return {};
}

// The news may be of the engine before this one.
EngineStep EngineLife::look_after(SteadyTime now) {
  if (died_.exchange(false)) {
    if (Status alive = check_engine(); !alive) {
      Incident incident;
      return fail(std::move(alive).error(), Fault::engine, incident, now);
    }
  }
  last_activity_ = now;
  return {};
}

void EngineLife::note_silence(SteadyTime now) {
  condition_ = Condition::silent;
  again_at_ = now + kEndTime;
}

EngineStep EngineLife::listen(SteadyTime now) {
  Status alive = check_engine();
  if (alive && now < again_at_) return {.kind = EngineStep::Kind::wait, .until = again_at_};
  if (alive) alive = make_error(ErrorCode::engine_died, "llama-server does not answer");
  Incident incident;
  return fail(std::move(alive).error(), Fault::engine, incident, now);
}

EngineStep EngineLife::start(SteadyTime now) {
  const bool is_restart = condition_ == Condition::waiting;
  const bool is_first = !was_loaded_;
  Status started = start_engine();
  const double milliseconds =
      std::chrono::duration<double, std::milli>(clock_.steady_now() - now).count();
  if (!started) {
    if (!is_restart && !is_first) {
      log_.error("engine cannot resume",
                 {{"name", options_.name}, {"error", started.error().message}});
    }
    Incident of_start;  // No text was there, so none can be at fault.
    return fail(std::move(started).error(), Fault::engine, of_start, now);
  }
  last_activity_ = clock_.steady_now();
  if (is_first) {
    const embed::ModelInfo& model = engine_->info();
    log_.info("model ready", {{"name", options_.name},
                              {"model", model.model_name},
                              {"identity", embed::model_identity(model.model_sha256)},
                              {"engine", model.engine},
                              {"compute", model.compute},
                              {"kernel", model.kernel},
                              {"dimension", model.dimension},
                              {"max_tokens", model.max_tokens},
                              {"milliseconds", milliseconds}});
  } else {
    log_.info(is_restart ? "engine started again" : "engine resumed",
              {{"name", options_.name}, {"milliseconds", milliseconds}});
  }
  return {};
}

// `starting_` is set before the question whether to stop, so that whoever stops sees one or the
// other.
Status EngineLife::start_engine() {
  const auto attempt = [this]() -> Status {
    if (stopping_) return make_error(ErrorCode::shutting_down, "the daemon is shutting down");
    try {
      TRY(engine_->start());
      return tell_started();
    } catch (const std::exception& fault) {  // Memory that is lacking: another start may have it.
      return make_error(ErrorCode::internal, "cannot start the engine: {}", fault.what());
    }
  };
  died_ = false;
  starting_ = true;
  Status started = attempt();
  starting_ = false;
  TRY(std::move(started));
  condition_ = Condition::running;
  was_loaded_ = true;
  return {};
}

// What was told once is served or nothing is.
Status EngineLife::tell_started() {
  const auto told = state_.model();
  const std::string& sha256 = engine_->info().model_sha256;
  if (told != nullptr && told->model_sha256 != sha256) {
    return make_error(ErrorCode::model_corrupt,
                      "the engine came back with another model: its SHA-256 is {}, not {}", sha256,
                      told->model_sha256);
  }
  if (told == nullptr) state_.set_model(engine_->info());
  state_.ok();
  return {};
}

// A batch of nothing tells how the engine ended, and whether it has.
Status EngineLife::check_engine() {
  return engine_->embed({.ids = {}, .offsets = kNoTexts}, {});
}

EngineStep EngineLife::fail(Error cause, Fault fault, Incident& incident, SteadyTime now) {
  condition_ = Condition::stopped;
  engine_->stop();
  if (cause.code == ErrorCode::shutting_down) return down(std::move(cause));
  if (!was_loaded_) return fail_first_start(std::move(cause), now);
  if (is_lasting(cause.code)) return stay_down(std::move(cause).with_hint(kPutBack));
  cause_ = cause.message;
  const auto wait = time_to_restart(cause, fault, incident, now);
  if (!wait.has_value()) {
    condition_ = Condition::exhausted;
    return stay_down(exhausted_error(now));
  }
  state_.degraded(restarting_error(cause_, *wait));
  return wait_for_restart(*wait, now);
}

// Whoever kills the first child of a daemon need not end the daemon with it.
EngineStep EngineLife::fail_first_start(Error cause, SteadyTime now) {
  if (cause.code != ErrorCode::engine_killed || killed_in_row_ == kMostKilledAtStart) {
    return options_.is_on_demand ? stay_down(as_told(std::move(cause)))
                                 : down(as_told(std::move(cause)));
  }
  cause_ = cause.message;
  return wait_for_restart(
      doubled(options_.restarts.first_pause, killed_in_row_++, options_.restarts.longest_pause),
      now);
}

// Restarts on a text's account follow each other at once: a search that halves 64 texts needs more
// of them than the budget has, and each one comes nearer to the text. None: the budget is spent.
std::optional<nanoseconds> EngineLife::time_to_restart(const Error& cause, Fault fault,
                                                       Incident& incident, SteadyTime now) {
  if (cause.code == ErrorCode::engine_killed && killed_in_row_ < kMostKilledInRow) {
    return doubled(options_.restarts.first_pause, killed_in_row_++,
                   options_.restarts.longest_pause);
  }
  if (fault == Fault::text) {
    ++incident.uncharged;
    return nanoseconds(0);
  }
  const auto wait = budget_.charge(now);
  if (wait.has_value()) ++incident.charged;
  return wait;
}

EngineStep EngineLife::wait_for_restart(nanoseconds wait, SteadyTime now) {
  log_.warn("the engine failed",
            {{"name", options_.name},
             {"error", cause_},
             {"restarts_in_seconds", std::chrono::duration<double>(wait).count()}});
  condition_ = Condition::waiting;
  again_at_ = now + wait;
  return {.kind = EngineStep::Kind::wait, .until = again_at_};
}

EngineStep EngineLife::stay_down(Error error) {
  log_.error("the engine is down", {{"name", options_.name}, {"error", error.message}});
  state_.degraded(error);
  kept_again_at_ = clock_.steady_now() + kKeptPause;
  return down(std::move(error));
}

Error EngineLife::exhausted_error(SteadyTime now) const {
  const nanoseconds left = budget_.reset_at(now) - now;
  const std::string reset_at =
      format_time(clock_.system_now() + std::chrono::duration_cast<SystemTime::duration>(left));
  return make_error(ErrorCode::engine_restarts_exhausted,
                    "the engine was started again {} times within {} and failed once more: {}",
                    options_.restarts.restarts, format_duration(options_.restarts.window), cause_)
      .with_hint(fmt::format(
          "the first request after {} tries again, or the next one after 'runed shutdown'",
          reset_at))
      .with(fact::kResetAt, reset_at)
      .with(fact::kRetryAfter, left);
}

Fault EngineLife::settle(const Incident& incident, Fault fault) {
  if (fault == Fault::text && !std::exchange(has_embedded_since_, false)) fault = Fault::engine;
  if (fault == Fault::text) {
    budget_.refund(incident.charged);
  } else {
    budget_.charge_done(incident.uncharged, clock_.steady_now());
  }
  return fault;
}

Result<std::vector<Embedding>> EngineLife::embed(std::span<const embed::PreparedText* const> texts,
                                                 const std::function<bool()>& is_wanted) {
  try {
    const SteadyTime begin = clock_.steady_now();
    auto embeddings = embed::embed_pass(*engine_, texts, &is_wanted);
    const SteadyTime end = clock_.steady_now();
    embed_time_ += end - begin;
    if (!embeddings) return embeddings;
    killed_in_row_ = 0;
    has_embedded_since_ = true;
    last_activity_ = end;
    return embeddings;
  } catch (const std::exception& fault) {  // Memory that is lacking: fewer texts may need less.
    return make_error(ErrorCode::internal, "cannot embed: {}", fault.what());
  }
}

bool EngineLife::needs_care(SteadyTime now) const {
  return (condition_ == Condition::running && died_) || condition_ == Condition::waiting ||
         condition_ == Condition::silent ||
         (condition_ == Condition::stopped && is_kept_ && now >= kept_again_at_);
}

std::optional<SteadyTime> EngineLife::due() const {
  // Not from now on: that would always be a little later.
  if (condition_ == Condition::exhausted) return budget_.reset_at(SteadyTime{});
  if (condition_ == Condition::stopped && is_kept_) return kept_again_at_;
  const nanoseconds timeout = idle_timeout_;
  if (condition_ != Condition::running || is_kept_ || timeout.count() <= 0) return std::nullopt;
  return std::max(last_activity_, used_at_.load()) + std::min(timeout, kLongestIdle);
}

void EngineLife::rest(SteadyTime now) {
  const auto when = due();
  if (!when.has_value() || now < *when) return;
  if (condition_ == Condition::running) {
    suspend("after idle to free memory");
  } else if (condition_ == Condition::exhausted) {
    condition_ = Condition::stopped;
    state_.idle("after repeated failures");
  }
}

void EngineLife::suspend(std::string_view why) {
  if (condition_ != Condition::running && condition_ != Condition::silent) return;
  const uint64_t before = os::resident_bytes();
  engine_->stop();
  condition_ = Condition::stopped;
  os::trim_heap();
  os::release_code();
  state_.idle(why);
  log_.info("engine suspended", {{"name", options_.name},
                                 {"why", why},
                                 {"resident_bytes_before", before},
                                 {"resident_bytes", os::resident_bytes()}});
}

void EngineLife::stop() {
  condition_ = Condition::stopped;
  if (engine_ != nullptr) engine_->stop();
}

void EngineLife::interrupt() {
  if (embed::Engine* const engine = shared_engine_) engine->interrupt();
}

void EngineLife::interrupt_start() {
  stopping_ = true;
  if (starting_) interrupt();
}

std::shared_ptr<const embed::Tokenizer> EngineLife::tokenizer() const {
  const embed::Engine* const engine = shared_engine_;
  return engine == nullptr ? nullptr : engine->tokenizer();
}

}  // namespace runed::daemon
